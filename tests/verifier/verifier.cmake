# The verifiers written from the documents alone, in another language, on what the exchange writes.

add_executable(verifier_sample ${CMAKE_SOURCE_DIR}/tests/verifier/sample.c)
target_link_libraries(verifier_sample PRIVATE quorex_node)
quorex_link_quickly(verifier_sample)
find_program(NODE_PROGRAM node)
if(NODE_PROGRAM)
    add_test(NAME verifier.liabilities
             COMMAND ${NODE_PROGRAM} --test ${CMAKE_SOURCE_DIR}/tests/verifier/liabilities.test.mjs)
    set_tests_properties(verifier.liabilities PROPERTIES TIMEOUT 900 LABELS verifier
                         ENVIRONMENT SAMPLE=$<TARGET_FILE:verifier_sample>)
endif()
