# One program a question; README.md has method and table. bench_*.c that need more say so below.

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/benchmarks/bench_*.c)
pkg_check_modules(CK IMPORTED_TARGET ck)
foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    if(name STREQUAL "bench_ring" AND NOT CK_FOUND)
        continue()
    endif()
    add_executable(${name} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${name} PRIVATE quorex_common quorex_settlement quorex_gateway
                          PkgConfig::JANSSON PkgConfig::SSL)
    target_compile_definitions(${name} PRIVATE H2O_USE_LIBUV=1)
    if(name STREQUAL "bench_ring")
        target_link_libraries(${name} PRIVATE PkgConfig::CK)
    endif()
    list(APPEND benchmark_targets ${name})
endforeach()
# Writes the order flows that `quorex bench` replays.
add_executable(flowgen EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/benchmarks/flowgen.c)
list(APPEND benchmark_targets flowgen)
add_custom_target(benchmarks DEPENDS ${benchmark_targets})
