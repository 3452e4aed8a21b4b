# Simulations: a part of the node against a world that misbehaves, from a seed.

add_executable(sim_wal_power ${CMAKE_SOURCE_DIR}/tests/sim/wal_power.c
               ${CMAKE_SOURCE_DIR}/tests/sim/power_disk.c)
target_link_libraries(sim_wal_power PRIVATE quorex_ledger)
add_test(NAME sim.ledger.wal_power COMMAND sim_wal_power --seeds 1000)
set_tests_properties(sim.ledger.wal_power PROPERTIES TIMEOUT 900 LABELS sim)

# The same with a log that acknowledges before the write: passes only when that is caught.
add_executable(sim_wal_power_planted ${CMAKE_SOURCE_DIR}/tests/sim/wal_power.c
               ${CMAKE_SOURCE_DIR}/tests/sim/power_disk.c)
target_link_libraries(sim_wal_power_planted PRIVATE quorex_ledger)
target_compile_definitions(sim_wal_power_planted PRIVATE PLANT_ACK_BEFORE_WRITE)
add_test(NAME sim.ledger.wal_power_catches_early_acknowledgement
         COMMAND sim_wal_power_planted --seeds 200 --expect-loss)
set_tests_properties(sim.ledger.wal_power_catches_early_acknowledgement
                     PROPERTIES TIMEOUT 900 LABELS sim)

# Bugs planted in the log's own code, each a copy of one file with one text in place of another: the copy is
# linked before the library. Passes only when the simulation finds each.
function(quorex_planted_wal name file text planted)
    file(READ ${CMAKE_SOURCE_DIR}/ledger/${file} source)
    string(FIND "${source}" "${text}" found)
    if(found EQUAL -1)
        message(FATAL_ERROR "tests/sim: ${file} has no \"${text}\" to plant ${name} in")
    endif()
    string(REPLACE "${text}" "${planted}" source "${source}")
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/planted_${name}.c CONTENT "${source}" @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                 ${CMAKE_SOURCE_DIR}/ledger/${file})
    add_executable(sim_wal_power_${name} ${CMAKE_SOURCE_DIR}/tests/sim/wal_power.c
                   ${CMAKE_SOURCE_DIR}/tests/sim/power_disk.c
                   ${CMAKE_BINARY_DIR}/generated/planted_${name}.c)
    target_link_libraries(sim_wal_power_${name} PRIVATE quorex_ledger)
    add_test(NAME sim.ledger.wal_power_catches_${name}
             COMMAND sim_wal_power_${name} --seeds 200 --expect-loss)
    set_tests_properties(sim.ledger.wal_power_catches_${name} PROPERTIES TIMEOUT 900 LABELS sim)
endfunction()

# A file given back gets a segment's name before its new header is on disk.
quorex_planted_wal(recycle_before_sync wal_segment_fs.c
    "status = headers_write(wal, spare);
    if (status == STATUS_OK) status = file_rename(wal, spare, name);"
    "status = file_rename(wal, spare, name);
    if (status == STATUS_OK) status = headers_write(wal, spare);")
# Entries for a hole are taken without looking whether the running hash leads to what follows.
quorex_planted_wal(patch_without_hash_check wal_patch_fs.c
    "if (!hash_equal(hash, record.hash))" "if (false)")

# A whole cluster, in the release build alone: a thousand seeds take minutes there. Its ledger is compiled with a short
# memory of the log, so that few entries are enough to make somebody need a checkpoint, and with all its invariants on.
get_filename_component(sim_build ${CMAKE_BINARY_DIR} NAME)
if(NOT sim_build MATCHES "release$")
    return()
endif()
file(GLOB sim_ledger CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ledger/*.c)
list(FILTER sim_ledger EXCLUDE REGEX "(_uv|consensus_[a-z]+)\\.c$")
set(sim_node anchor anchor_block anchor_council anchor_halt anchor_notice anchor_signing
             anchor_start anchor_vote chain_section change_queue digest digest_snapshot evidence_json membership start
             verify verify_checkpoint verify_execute verify_fault verify_headers verify_proof_json verify_liabilities_json liabilities_check conservation proof_check
             voters trusted_json epoch_chain file_os genesis_json hasher_os key_file)
list(TRANSFORM sim_node PREPEND ${CMAKE_SOURCE_DIR}/node/)
list(TRANSFORM sim_node APPEND .c)
add_library(sim_parts STATIC ${sim_ledger} ${sim_node})
target_compile_definitions(sim_parts PUBLIC REPLICA_KEPT_BYTES=131072 QUOREX_INVARIANTS)
target_link_libraries(sim_parts PUBLIC quorex_engine quorex_settlement quorex_common PkgConfig::RAFT
                      PkgConfig::JANSSON)

set(sim_cluster_sources cluster cluster_net cluster_files cluster_signatures cluster_node
                        cluster_start cluster_vetting cluster_maker cluster_clients cluster_faults cluster_checks
                        power_disk)
list(TRANSFORM sim_cluster_sources PREPEND ${CMAKE_SOURCE_DIR}/tests/sim/)
list(TRANSFORM sim_cluster_sources APPEND .c)
add_library(sim_world STATIC ${sim_cluster_sources})
target_link_libraries(sim_world PUBLIC sim_parts)
foreach(call pwrite write pwritev fsync fdatasync ftruncate renameat unlink unlinkat link
             hash_verify)
    list(APPEND sim_wraps "-Wl,--wrap=${call}")
endforeach()
# The linker must see calls between objects: no optimising across them.
target_link_options(sim_world INTERFACE -fno-lto ${sim_wraps})
add_executable(sim_cluster ${CMAKE_SOURCE_DIR}/tests/sim/sim_cluster_main.c)
target_link_libraries(sim_cluster PRIVATE sim_world)

# In four, so that ctest -j has work for every core.
foreach(quarter 0 1 2 3)
    math(EXPR first "${quarter} * 250 + 1")
    add_test(NAME sim.cluster_${quarter} COMMAND sim_cluster --first ${first} --seeds 250)
    set_tests_properties(sim.cluster_${quarter} PROPERTIES TIMEOUT 900 LABELS sim)
endforeach()
add_test(NAME sim.cluster_same_seed_same_trace COMMAND sim_cluster --first 2001 --seeds 20 --twice)
# Members lie to their leaders: nobody halts for it, nobody else is blamed, and all goes on.
add_test(NAME sim.cluster_liars COMMAND sim_cluster --liars --first 1 --seeds 250)
add_test(NAME sim.cluster_failed_seeds
         COMMAND sim_cluster --list ${CMAKE_SOURCE_DIR}/tests/sim/failed_seeds)
set_tests_properties(sim.cluster_same_seed_same_trace sim.cluster_liars sim.cluster_failed_seeds
                     PROPERTIES TIMEOUT 900 LABELS sim)

# The same cluster with one bug each (cluster_planted.c): passes only when a seed shows it.
function(sim_planted name seeds)
    set(liars)
    if(name STREQUAL "believe_members")
        set(liars --liars)
    endif()
    string(TOUPPER ${name} upper)
    separate_arguments(seeds)
    add_executable(sim_cluster_${name} ${CMAKE_SOURCE_DIR}/tests/sim/sim_cluster_main.c
                                       ${CMAKE_SOURCE_DIR}/tests/sim/cluster_planted.c)
    target_link_libraries(sim_cluster_${name} PRIVATE sim_world)
    target_compile_definitions(sim_cluster_${name} PRIVATE PLANT_${upper})
    foreach(call ${ARGN})
        target_link_options(sim_cluster_${name} PRIVATE "-Wl,--wrap=${call}")
    endforeach()
    add_test(NAME sim.cluster_catches_${name}
             COMMAND sim_cluster_${name} --seeds ${seeds} --expect-failure ${liars})
    set_tests_properties(sim.cluster_catches_${name} PROPERTIES TIMEOUT 600 LABELS sim)
endfunction()
sim_planted(deliver_before_quorum 50 raft_commit_index)
sim_planted(forget_signed 50 sign_once_claim)
sim_planted(skip_log_hash 200 replica_entries_hash)
sim_planted(apply_twice 50 sequence_add_run origins_advance)
sim_planted(vote_unwritten 100 wal_set_vote)
sim_planted(forget_early 50 checkpoint_writer_finish)
sim_planted(chunk_unhashed "300 --first 401" fetch_chunks_take hash_equal)
sim_planted(stranger_counts 100 certificate_tally_add validator_set_find)
sim_planted(not_sent_again 400 origin_rewind)
sim_planted(believe_members 50 replica_vet_take)
sim_planted(ack_before_write 100)
target_sources(sim_cluster_ack_before_write PRIVATE ${CMAKE_SOURCE_DIR}/tests/sim/power_disk.c)
