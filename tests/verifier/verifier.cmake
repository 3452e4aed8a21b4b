# The verifiers written from the documents alone, in another language, on what the exchange writes.

add_executable(verifier_sample ${CMAKE_SOURCE_DIR}/tests/verifier/sample.c)
target_link_libraries(verifier_sample PRIVATE quorex_node)
quorex_link_quickly(verifier_sample)
find_program(NODE_PROGRAM node)
if(NODE_PROGRAM)
    # What is signed and false; every byte of what is true; holders and files.
    foreach(name forgeries bytes liabilities)
        add_test(NAME verifier.${name}
                 COMMAND ${NODE_PROGRAM} --test ${CMAKE_SOURCE_DIR}/tests/verifier/${name}.test.mjs)
        set_tests_properties(verifier.${name} PROPERTIES TIMEOUT 900 LABELS verifier
                             ENVIRONMENT SAMPLE=$<TARGET_FILE:verifier_sample>)
    endforeach()
endif()
