# One ctest test per script: a market story in the market's own words, and the whole trace it must have.
# `golden_match --print SCRIPT` shows what the engine says now; read every line before you keep it.

add_executable(golden_match ${CMAKE_SOURCE_DIR}/tests/golden/match_script.c)
target_link_libraries(golden_match PRIVATE quorex_engine)

file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/match/*.txt)
foreach(script ${scripts})
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME golden.match.${name} COMMAND golden_match ${script})
    set_tests_properties(golden.match.${name} PROPERTIES LABELS golden TIMEOUT 30)
endforeach()

# A runner that takes anything for the truth proves nothing: a wrong trace must fail.
add_test(NAME golden.match_refuses_a_wrong_trace
         COMMAND golden_match --expect-difference
                 ${CMAKE_SOURCE_DIR}/tests/golden/wrong/wrong_price.txt)
set_tests_properties(golden.match_refuses_a_wrong_trace PROPERTIES LABELS golden TIMEOUT 30)
