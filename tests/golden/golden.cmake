# One ctest test per script: a market story in the market's own words, and the whole trace it must have.
# `golden_match --print SCRIPT` shows what the engine says now; read every line before you keep it.

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/*.c)
add_executable(golden_match ${sources})
target_link_libraries(golden_match PRIVATE quorex_engine)
quorex_link_quickly(golden_match)

file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/match/*.txt)
foreach(script ${scripts})
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME golden.match.${name} COMMAND golden_match ${script})
    set_tests_properties(golden.match.${name} PROPERTIES LABELS golden TIMEOUT 120)
endforeach()

# A runner that takes anything for the truth proves nothing: a wrong trace must fail, whichever of its
# events it is wrong in.
file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/wrong/*.txt)
foreach(script ${scripts})
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME golden.match_refuses.${name} COMMAND golden_match --expect-difference ${script})
    set_tests_properties(golden.match_refuses.${name} PROPERTIES LABELS golden TIMEOUT 120)
endforeach()

# And so does one that skips what it cannot read: it must name the line.
file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/golden/unreadable/*.txt)
foreach(script ${scripts})
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME golden.match_cannot_read.${name} COMMAND golden_match ${script})
    set_tests_properties(golden.match_cannot_read.${name} PROPERTIES
        LABELS golden TIMEOUT 120 PASS_REGULAR_EXPRESSION "^line 3: cannot read")
endforeach()
