# The model: its rules by themselves, then the engine against it. A difference prints the world's seed and
# the fewest commands that show it; `model_run --seed N --out FILE` writes them as a script, and a script
# in kept/ is played from then on.

file(GLOB model_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/model/*.c)
list(FILTER model_sources EXCLUDE REGEX "/model_[a-z]+\\.c$")
add_library(model_parts STATIC ${model_sources})
target_link_libraries(model_parts PUBLIC quorex_engine)
if(QUOREX_FUZZ)
    return() # a fuzz target has it for its commands
endif()
foreach(program model_run model_rules model_twin model_settlement)
    add_executable(${program} ${CMAKE_SOURCE_DIR}/tests/model/${program}.c)
    target_link_libraries(${program} PRIVATE model_parts PkgConfig::CMOCKA)
endforeach()
target_link_libraries(model_settlement PRIVATE quorex_settlement)

# Thirty million commands where the engine is fast, fewer where everything is checked and often.
if(QUOREX_SANITIZE OR QUOREX_INVARIANTS)
    set(model_options --commands 500000 --check 4 --demand)
else()
    set(model_options --commands 15000000 --demand)
endif()

add_test(NAME model.rules COMMAND model_rules)
add_test(NAME model.run_a COMMAND model_run --seed 1 ${model_options})
add_test(NAME model.run_b COMMAND model_run --seed 1000001 ${model_options})
set_tests_properties(model.rules model.run_a model.run_b PROPERTIES LABELS model TIMEOUT 600)

# A comparison that never fails proves nothing: one bit of the engine's events is altered.
add_test(NAME model.finds_an_altered_bit COMMAND model_run --seed 1 --commands 9000 --damage 8000)
set_tests_properties(model.finds_an_altered_bit
                     PROPERTIES LABELS model TIMEOUT 900 PASS_REGULAR_EXPRESSION
                                "in all, differs.*does not when it is played again")

# The same log twice gives the same bytes: nothing comes from memory that a run before left behind.
add_test(NAME model.same_commands_give_the_same_bytes
         COMMAND sh -c "a=$($<TARGET_FILE:model_run> --commands 50000 --hash | grep ^hash) && \
                        b=$($<TARGET_FILE:model_run> --commands 50000 --hash | grep ^hash) && \
                        echo \"$a\" && test \"$a\" = \"$b\"")
set_tests_properties(model.same_commands_give_the_same_bytes PROPERTIES LABELS model TIMEOUT 900)

# An engine restored from its snapshot again and again stays the twin of one that runs on.
if(QUOREX_SANITIZE)
    set(twin_commands 30000)
else()
    set(twin_commands 400000)
endif()
add_test(NAME model.twin COMMAND model_twin --seed 1 --commands ${twin_commands})
set_tests_properties(model.twin PROPERTIES LABELS model TIMEOUT 600)

# So does a settlement, of one that settles what the engine makes of the same commands.
add_test(NAME model.settlement COMMAND model_settlement --seed 1 --commands ${twin_commands})
set_tests_properties(model.settlement PROPERTIES LABELS model TIMEOUT 600)

file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/model/kept/*.script)
foreach(script ${scripts})
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME model.kept.${name} COMMAND model_run --replay ${script})
    set_tests_properties(model.kept.${name} PROPERTIES LABELS model TIMEOUT 60)
endforeach()
