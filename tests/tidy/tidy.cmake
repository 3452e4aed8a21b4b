# The tree's own rules (tidy.c), and the formatter's opinion.

add_executable(tidy ${CMAKE_SOURCE_DIR}/tests/tidy/tidy.c)
add_test(NAME tidy.self_test COMMAND tidy --self-test)
add_test(NAME tidy.tree COMMAND tidy ${CMAKE_SOURCE_DIR})
find_program(CLANG_FORMAT NAMES clang-format clang-format-14)
if(CLANG_FORMAT)
    add_test(NAME tidy.format
             COMMAND sh -c "git ls-files '*.c' '*.h' | xargs ${CLANG_FORMAT} --dry-run -Werror"
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endif()
set_tests_properties(tidy.self_test tidy.tree PROPERTIES LABELS tidy TIMEOUT 60)

# Documents that are lists are printed from the tables and headers they list.
add_executable(reference ${CMAKE_SOURCE_DIR}/tests/tidy/reference.c)
add_test(NAME tidy.reference
         COMMAND sh -c "$<TARGET_FILE:reference> tables | diff -u docs/reference.md -"
         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
add_test(NAME tidy.invariants
         COMMAND sh -c "$<TARGET_FILE:reference> invariants . | diff -u docs/invariants.md -"
         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(tidy.reference tidy.invariants PROPERTIES LABELS tidy TIMEOUT 60)
