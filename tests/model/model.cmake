# The model: rules it must keep by itself, and the engine against it.

file(GLOB model_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/model/*.c)
list(FILTER model_sources EXCLUDE REGEX "/model_[a-z]+\\.c$")

add_executable(model_run ${CMAKE_SOURCE_DIR}/tests/model/model_run.c ${model_sources})
target_link_libraries(model_run PRIVATE quorex_engine)
