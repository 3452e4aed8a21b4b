# The gateway's views and answers beside the model: what a client is shown of orders, lists, balances and
# the book is what the model has, after every one of its random commands; and the same of views that are
# thrown away and restored again and again.

add_executable(view_run ${CMAKE_SOURCE_DIR}/tests/view/view_run.c)
target_link_libraries(view_run PRIVATE model_parts quorex_gateway PkgConfig::JANSSON)

if(QUOREX_SANITIZE OR QUOREX_INVARIANTS)
    set(view_commands 100000)
    set(view_restart_commands 50000)
else()
    set(view_commands 2000000)
    set(view_restart_commands 500000)
endif()
add_test(NAME view.run COMMAND view_run ${view_commands} 1)
add_test(NAME view.restart COMMAND view_run ${view_restart_commands} 1 --restart)
add_test(NAME view.finds_a_lost_event COMMAND view_run 20000 1 --lose)
set_tests_properties(view.run view.restart view.finds_a_lost_event PROPERTIES LABELS view TIMEOUT 600)
set_tests_properties(view.finds_a_lost_event PROPERTIES PASS_REGULAR_EXPRESSION "differs: ")
