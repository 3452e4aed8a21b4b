# Turns settlement/schema/NNN_name.sql into bytes of the program, so that a node needs no file beside
# it to migrate its database.

file(GLOB schema_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/settlement/schema/*.sql)
list(SORT schema_files)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schema_files})

set(schema_arrays "")
set(schema_rows "")
foreach(schema_file ${schema_files})
    get_filename_component(schema_name ${schema_file} NAME_WE)
    string(REGEX MATCH "^[0-9]+" schema_number ${schema_name})
    string(REGEX REPLACE "^0+" "" schema_number ${schema_number})
    file(READ ${schema_file} schema_hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," schema_hex "${schema_hex}")
    string(APPEND schema_arrays "static const char sql_${schema_number}[] = {${schema_hex}0};\n")
    string(APPEND schema_rows "    {${schema_number}, \"${schema_name}\", sql_${schema_number}},\n")
endforeach()

file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/schema.c CONTENT
"#include \"settlement/schema.h\"

@schema_arrays@
const struct schema_migration schema_migrations[] = {
@schema_rows@};
const uint32_t schema_migration_count =
    sizeof(schema_migrations) / sizeof(schema_migrations[0]);
" @ONLY)
target_sources(quorex_settlement PRIVATE ${CMAKE_BINARY_DIR}/generated/schema.c)
