# gcc and clang, -O0 and -O3: the same log gives byte-identical events and snapshots. Needs no library of
# this build, so one preset has it: release.

if(NOT QUOREX_INVARIANTS AND NOT QUOREX_SANITIZE)
    set(compare ${CMAKE_SOURCE_DIR}/tests/builds/compare.sh)
    add_test(NAME builds.same_events_and_snapshots
             COMMAND ${compare} ${CMAKE_BINARY_DIR}/builds)
    # A comparison that never fails proves nothing: bugs that only another build shows.
    add_test(NAME builds.find_an_order_of_evaluation
             COMMAND ${compare} ${CMAKE_BINARY_DIR}/builds order)
    add_test(NAME builds.find_an_address COMMAND ${compare} ${CMAKE_BINARY_DIR}/builds address)
    set_tests_properties(builds.same_events_and_snapshots builds.find_an_order_of_evaluation
                         builds.find_an_address PROPERTIES LABELS builds TIMEOUT 900 PROCESSORS 2
                                                    RESOURCE_LOCK builds)
    set_tests_properties(builds.find_an_order_of_evaluation
                         PROPERTIES PASS_REGULAR_EXPRESSION "clang-O0 differs"
                                    ENVIRONMENT "SEEDS=1;COMMANDS=2000;SNAPSHOT_COMMANDS=200")
    set_tests_properties(builds.find_an_address
                         PROPERTIES PASS_REGULAR_EXPRESSION "-O[03] differs"
                                    ENVIRONMENT "SEEDS=1;COMMANDS=2000;SNAPSHOT_COMMANDS=200")
endif()
