# Every decoder of outside bytes has a target here: tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput.
#
# With the fuzz preset (clang, QUOREX_FUZZ) they are libFuzzer programs, run for a bounded number of
# inputs; in every other build driver.c plays the corpus and a fixed run of made-up inputs.

# libFuzzer steers by what our libraries' own branches do, so they are built to tell it.
if(QUOREX_FUZZ)
    foreach(folder common engine settlement ledger gateway node)
        get_target_property(type quorex_${folder} TYPE)
        if(NOT type STREQUAL "INTERFACE_LIBRARY")
            target_compile_options(quorex_${folder} PRIVATE -fsanitize=fuzzer-no-link)
        endif()
    endforeach()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(source ${sources})
    get_filename_component(target ${source} NAME_WE)
    string(REPLACE "fuzz_" "" name ${target})
    set(corpus ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    if(NOT EXISTS ${corpus})
        set(corpus "")
    endif()
    if(QUOREX_FUZZ)
        add_executable(${target} ${source})
        target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        # New inputs go to the build tree; the corpus in the tree is only read.
        file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/corpus/${name})
        add_test(NAME fuzz.${name}
                 COMMAND ${target} -runs=20000 -max_total_time=60 -seed=1
                         ${CMAKE_BINARY_DIR}/corpus/${name} ${corpus})
    else()
        add_executable(${target} ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/driver.c)
        add_test(NAME fuzz.${name} COMMAND ${target} ${corpus})
    endif()
    target_link_libraries(${target} PRIVATE quorex_engine quorex_settlement quorex_ledger
                          quorex_gateway quorex_common)
    quorex_link_quickly(${target})
    if(name MATCHES "^(light_page|liabilities)$")
        target_link_libraries(${target} PRIVATE quorex_node)
    endif()
    if(name STREQUAL "match")
        target_link_libraries(${target} PRIVATE model_parts)
    endif()
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 900)
endforeach()
