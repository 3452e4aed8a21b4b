# What two threads share, under load; the tsan preset runs the same programs under ThreadSanitizer.

add_executable(race_ring ${CMAKE_SOURCE_DIR}/tests/race/ring.c)
target_link_libraries(race_ring PRIVATE quorex_common)
add_test(NAME race.common.ring COMMAND race_ring)

# The same with a consumer that sleeps without a last look: passes only when that is caught.
add_executable(race_ring_planted ${CMAKE_SOURCE_DIR}/tests/race/ring.c)
target_link_libraries(race_ring_planted PRIVATE quorex_common)
target_compile_definitions(race_ring_planted PRIVATE PLANT_NO_RECHECK)
add_test(NAME race.common.ring_catches_a_lost_wake COMMAND race_ring_planted --expect-loss)

set_tests_properties(race.common.ring race.common.ring_catches_a_lost_wake
                     PROPERTIES TIMEOUT 600 LABELS race)

# A settlement that goes on while another thread writes what it was; --late shows that the difference of one
# block would be seen.
add_executable(race_settlement ${CMAKE_SOURCE_DIR}/tests/race/settlement.c)
target_link_libraries(race_settlement PRIVATE quorex_settlement)
add_test(NAME race.settlement.frozen COMMAND race_settlement)
add_test(NAME race.settlement.frozen_catches_a_late_freeze COMMAND race_settlement --late)
set_tests_properties(race.settlement.frozen race.settlement.frozen_catches_a_late_freeze
                     PROPERTIES TIMEOUT 600 LABELS race)

# Commands looked at by three threads; --early shows that a promise before its facts would be seen.
add_executable(race_vetting ${CMAKE_SOURCE_DIR}/tests/race/vetting.c)
target_link_libraries(race_vetting PRIVATE quorex_node)
add_test(NAME race.node.vetting COMMAND race_vetting)
add_test(NAME race.node.vetting_catches_an_early_promise COMMAND race_vetting --early)
set_tests_properties(race.node.vetting race.node.vetting_catches_an_early_promise
                     PROPERTIES TIMEOUT 600 LABELS race)

# A settlement that goes on while another thread proves what it was; --late shows that another block's proof would be
# seen.
add_executable(race_proofs ${CMAKE_SOURCE_DIR}/tests/race/proofs.c)
target_link_libraries(race_proofs PRIVATE quorex_settlement)
add_test(NAME race.settlement.proofs COMMAND race_proofs)
add_test(NAME race.settlement.proofs_catches_another_block COMMAND race_proofs --late)
set_tests_properties(race.settlement.proofs race.settlement.proofs_catches_another_block
                     PROPERTIES TIMEOUT 600 LABELS race)

# Blocks hashed by two threads; --short shows that a record too few would be seen.
add_executable(race_hashing ${CMAKE_SOURCE_DIR}/tests/race/hashing.c)
target_link_libraries(race_hashing PRIVATE quorex_node)
add_test(NAME race.node.hashing COMMAND race_hashing)
add_test(NAME race.node.hashing_catches_a_missing_record COMMAND race_hashing --short)
set_tests_properties(race.node.hashing race.node.hashing_catches_a_missing_record
                     PROPERTIES TIMEOUT 600 LABELS race)

# Gateway loops that put commands into one log; --swap shows that two in the wrong order would be seen.
add_executable(race_submissions ${CMAKE_SOURCE_DIR}/tests/race/submissions.c)
target_link_libraries(race_submissions PRIVATE quorex_ledger)
add_test(NAME race.ledger.submissions COMMAND race_submissions)
add_test(NAME race.ledger.submissions_catches_a_wrong_order COMMAND race_submissions --swap)
set_tests_properties(race.ledger.submissions race.ledger.submissions_catches_a_wrong_order
                     PROPERTIES TIMEOUT 600 LABELS race)

# A whole node with three gateway loops under all that clients do at once, where a sanitizer looks at each access.
find_program(NODE_PROGRAM node)
if(NODE_PROGRAM AND QUOREX_SANITIZE)
    add_test(NAME race.node.load
             COMMAND ${CMAKE_COMMAND} -E env QUOREX_PROGRAM=$<TARGET_FILE:quorex>
                     ${NODE_PROGRAM} --test ${CMAKE_SOURCE_DIR}/tests/integration/load.test.mjs)
    set_tests_properties(race.node.load PROPERTIES TIMEOUT 600 RUN_SERIAL ON LABELS race)
endif()
