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
                     PROPERTIES TIMEOUT 120 LABELS race)
