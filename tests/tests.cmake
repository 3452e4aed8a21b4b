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

if(unit IN_LIST kinds)
    foreach(folder common engine settlement ledger gateway node)
        file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/test_*.c)
        if(NOT QUOREX_INVARIANTS)
            # Minutes of ended writers, each of one thread at a time: what is in the database then does not depend on how
            # they were compiled, so the builds have it that see most. unit.settlement.crashes has the same code's threads.
            list(FILTER sources EXCLUDE REGEX "test_store_steps\\.c$")
        endif()
        foreach(source ${sources})
            quorex_test(unit ${folder} ${source})
        endforeach()
    endforeach()
endif()
foreach(kind ${kinds})
    include(${CMAKE_SOURCE_DIR}/tests/${kind}/${kind}.cmake OPTIONAL)
endforeach()
