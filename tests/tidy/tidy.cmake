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
