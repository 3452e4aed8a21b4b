# Simulations: a part of the node against a world that misbehaves, from a seed.

add_executable(sim_wal_power ${CMAKE_SOURCE_DIR}/tests/sim/wal_power.c
               ${CMAKE_SOURCE_DIR}/tests/sim/power_disk.c)
target_link_libraries(sim_wal_power PRIVATE quorex_ledger)
add_test(NAME sim.ledger.wal_power COMMAND sim_wal_power --seeds 1000)
set_tests_properties(sim.ledger.wal_power PROPERTIES TIMEOUT 300 LABELS sim)

# The same with a log that acknowledges before the write: passes only when that is caught.
add_executable(sim_wal_power_planted ${CMAKE_SOURCE_DIR}/tests/sim/wal_power.c
               ${CMAKE_SOURCE_DIR}/tests/sim/power_disk.c)
target_link_libraries(sim_wal_power_planted PRIVATE quorex_ledger)
target_compile_definitions(sim_wal_power_planted PRIVATE PLANT_ACK_BEFORE_WRITE)
add_test(NAME sim.ledger.wal_power_catches_early_acknowledgement
         COMMAND sim_wal_power_planted --seeds 200 --expect-loss)
set_tests_properties(sim.ledger.wal_power_catches_early_acknowledgement
                     PROPERTIES TIMEOUT 300 LABELS sim)
