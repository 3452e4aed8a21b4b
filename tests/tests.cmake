# One executable per test file: tests/unit/engine/test_book.c tests engine/book.c, and is run by ctest
# as unit.engine.book. A folder's tests link that folder and what it may include.

pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# gcc optimises the whole engine at every link that meets its objects, whether asked to or not: five minutes
# for the tests of one build. They link the other half of the fat objects; the model's programs alone, and
# those of whole exchanges, test what is shipped.
function(quorex_link_quickly target)
    target_link_options(${target} PRIVATE $<$<CONFIG:Release>:-fno-lto>)
endfunction()

function(quorex_test kind folder source)
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE "test_" "" noun ${name})
    set(target ${kind}_${folder}_${noun})
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE quorex_${folder} PkgConfig::CMOCKA)
    quorex_link_quickly(${target})
    target_compile_definitions(${target} PRIVATE TEST_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    if(folder STREQUAL "gateway")
        target_compile_definitions(${target} PRIVATE H2O_USE_LIBUV=1)
    endif()
    add_test(NAME ${kind}.${folder}.${noun} COMMAND ${target})
    set_tests_properties(${kind}.${folder}.${noun} PROPERTIES TIMEOUT 900 LABELS ${kind})
endfunction()

# Every kind in the build in which it can find something: clang's has the fuzz targets, and ThreadSanitizer's what has
# threads. The kinds add themselves.
if(QUOREX_FUZZ)
    set(kinds model fuzz)
elseif(QUOREX_SANITIZE STREQUAL "thread")
    set(kinds unit race)
else()
    set(kinds unit golden model view builds race sim fuzz tidy verifier integration)
endif()

# ThreadSanitizer's build has the unit tests that may start a thread: where there is one, no two can race. That leaves out three
# quarters of all.
file(STRINGS ${CMAKE_SOURCE_DIR}/tests/threads.txt unit_threads)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/threads.txt)
if(unit IN_LIST kinds)
    foreach(folder common engine settlement ledger gateway node)
        file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/test_*.c)
        if(NOT QUOREX_INVARIANTS)
            # Minutes of ended writers, each of one thread at a time: what is in the database then does not depend on how
            # they were compiled, so the builds have it that see most. unit.settlement.crashes has the same code's threads.
            list(FILTER sources EXCLUDE REGEX "test_store_steps\\.c$")
        endif()
        foreach(source ${sources})
            string(REGEX REPLACE "^.*/test_(.*)\\.c$" "unit.${folder}.\\1" name ${source})
            if(QUOREX_SANITIZE STREQUAL "thread" AND NOT name IN_LIST unit_threads)
                continue()
            endif()
            quorex_test(unit ${folder} ${source})
            list(APPEND unit_tests ${name})
        endforeach()
    endforeach()
endif()
# Their ports are fixed, and each build has them: no two at once.
foreach(noun peers_uv join_uv)
    if(TEST unit.ledger.${noun})
        set_tests_properties(unit.ledger.${noun} PROPERTIES RESOURCE_LOCK ports_${noun})
    endif()
endforeach()
# The list is right: asked of programs that no sanitizer has added to.
if(unit IN_LIST kinds AND NOT QUOREX_SANITIZE AND NOT QUOREX_INVARIANTS)
    list(JOIN unit_tests "\n" unit_names)
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/unit_tests.txt CONTENT "${unit_names}\n" @ONLY)
    set(threads ${CMAKE_SOURCE_DIR}/tests/threads.sh)
    set(unit_names ${CMAKE_BINARY_DIR}/generated/unit_tests.txt)
    add_test(NAME unit.threads
             COMMAND ${threads} ${CMAKE_SOURCE_DIR}/tests/threads.txt ${CMAKE_BINARY_DIR} ${unit_names})
    add_test(NAME unit.threads_finds_who_is_not_listed
             COMMAND ${threads} /dev/null ${CMAKE_BINARY_DIR} ${unit_names})
    set_tests_properties(unit.threads_finds_who_is_not_listed
                         PROPERTIES PASS_REGULAR_EXPRESSION "unit.common.freeze may start threads")
    set_tests_properties(unit.threads unit.threads_finds_who_is_not_listed
                         PROPERTIES LABELS unit TIMEOUT 120)
endif()
foreach(kind ${kinds})
    include(${CMAKE_SOURCE_DIR}/tests/${kind}/${kind}.cmake OPTIONAL)
endforeach()
