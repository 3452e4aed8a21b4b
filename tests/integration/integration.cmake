# Real clients over real sockets. Each file starts its own exchange with scripts/up, which needs the
# release build, so these run from that build tree alone, one at a time: several use the same ports. They wait more than
# they work, so the other cores have other tests meanwhile, and they begin first.

find_program(NODE_PROGRAM node)
get_filename_component(build_name ${CMAKE_BINARY_DIR} NAME)
# Signs with the keys of two nodes what nobody computed: epoch.test.mjs.
add_executable(integration_forger ${CMAKE_SOURCE_DIR}/tests/integration/forger.c)
target_link_libraries(integration_forger PRIVATE quorex_node)
# Sends a leader what nobody asked for, with a member's key: liar.test.mjs.
add_executable(integration_liar ${CMAKE_SOURCE_DIR}/tests/integration/liar.c)
target_link_libraries(integration_liar PRIVATE quorex_node)

if(NODE_PROGRAM AND build_name STREQUAL "release")
    foreach(name scripts ccxt binance client_api_node client_binance client_ccxt client_connector
                  client_limits client_methods client_node_binance client_spot client_user_data local_book tls orders order_batch account_export rest streams replay input http_abuse rfc6455 ws_api user_data keys accounts_open ipv6 user_balance finality trace disk database_full
                  database_slow crash image history audit reconcile custody custody_cluster cluster cluster_walls cluster_members cluster_damage
                  backfill epoch epoch_cut liar light liabilities proofs documents examples loops spin)
        add_test(NAME integration.${name}
                 COMMAND ${NODE_PROGRAM} --test ${CMAKE_SOURCE_DIR}/tests/integration/${name}.test.mjs)
        set_tests_properties(integration.${name} PROPERTIES TIMEOUT 1200 COST 1000
                             RESOURCE_LOCK exchange LABELS integration)
    endforeach()
endif()
