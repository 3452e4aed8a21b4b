#include "common/messages.h"

#include "common/hash.h"
#include "tests/harness.h"

/* A message that has been on a disk never changes. These are its bytes, written out once; a test that
 * fails here means a new id is needed, not a new golden text. */

static void fill(uint8_t *bytes, size_t byte_count, unsigned first)
{
    for (size_t i = 0; i < byte_count; i++)
        bytes[i] = (uint8_t)(first + i);
}

static void expect_bytes(const uint8_t *bytes, size_t byte_count, const char *golden)
{
    static char text[2 * 1024 + 1];
    assert_true(byte_count <= 1024);
    hash_hex(bytes, byte_count, text);
    assert_string_equal(text, golden);
}

/* Encodes `message`, compares with the golden text, decodes, and encodes again. */
#define ROUND_TRIP(name, kind, id, label, golden) \
    do { \
        uint8_t bytes[1024], again[1024]; \
        struct name##_##kind back; \
        const size_t byte_count = (size_t)(name##_##kind##_put(bytes, &message) - bytes); \
        expect_bytes(bytes, byte_count, golden); \
        assert_int_equal(byte_count, message_payload_bytes(id)); \
        assert_string_equal(message_name(id), label); \
        name##_##kind##_get(bytes, &back); \
        assert_int_equal(name##_##kind##_put(again, &back) - again, byte_count); \
        assert_memory_equal(bytes, again, byte_count); \
    } while (0)

TEST(messages, hello_command_is_its_golden_bytes)
{
    struct hello_command message = {.nonce = 0x1d1a1714110e0b08, .node = 0x221f1c19};
    ROUND_TRIP(hello, command, 1, "HELLO", "080b0e1114171a1d191c1f22");
}

TEST(messages, seal_command_is_its_golden_bytes)
{
    struct seal_command message = {.height = 0x24211e1b1815120f};
    ROUND_TRIP(seal, command, 2, "SEAL", "0f1215181b1e2124");
}

TEST(messages, vote_command_is_its_golden_bytes)
{
    struct vote_command message = {
        .height = 0x2b2825221f1c1916, .epoch = 0x3c393633302d2a27, .node = 0x413e3b38};
    fill(message.header_hash, 32, 0x49);
    fill(message.signature, 64, 0x4d);
    ROUND_TRIP(vote, command, 3, "VOTE",
               "16191c1f2225282b272a2d303336393c383b3e41494a4b4c4d4e4f5051525354"
               "55565758595a5b5c5d5e5f6061626364656667684d4e4f505152535455565758"
               "595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778"
               "797a7b7c7d7e7f808182838485868788898a8b8c");
}

TEST(messages, checkpoint_vote_command_is_its_golden_bytes)
{
    struct checkpoint_vote_command message = {
        .height = 0x322f2c292623201d, .epoch = 0x43403d3a3734312e, .node = 0x4845423f};
    fill(message.root, 32, 0x50);
    fill(message.signature, 64, 0x54);
    ROUND_TRIP(checkpoint_vote, command, 4, "CHECKPOINT_VOTE",
               "1d202326292c2f322e3134373a3d40433f424548505152535455565758595a5b"
               "5c5d5e5f606162636465666768696a6b6c6d6e6f5455565758595a5b5c5d5e5f"
               "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
               "808182838485868788898a8b8c8d8e8f90919293");
}

TEST(messages, liabilities_vote_command_is_its_golden_bytes)
{
    struct liabilities_vote_command message = {
        .height = 0x322f2c292623201d, .epoch = 0x43403d3a3734312e, .node = 0x4845423f};
    fill(message.root, 32, 0x50);
    fill(message.signature, 64, 0x54);
    ROUND_TRIP(liabilities_vote, command, 6, "LIABILITIES_VOTE",
               "1d202326292c2f322e3134373a3d40433f424548505152535455565758595a5b"
               "5c5d5e5f606162636465666768696a6b6c6d6e6f5455565758595a5b5c5d5e5f"
               "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
               "808182838485868788898a8b8c8d8e8f90919293");
}

TEST(messages, liabilities_order_command_is_its_golden_bytes)
{
    struct liabilities_order_command message = {.nonce = 0x5c595653504d4a47,
                                                .operator_index = 0x5b58};
    ROUND_TRIP(liabilities_order, command, 45, "LIABILITIES_ORDER", "474a4d505356595c585b");
}

TEST(messages, liabilities_ordered_event_is_its_golden_bytes)
{
    struct liabilities_ordered_event message = {.height = 0x5c595653504d4a47};
    ROUND_TRIP(liabilities_ordered, event, 305, "LIABILITIES_ORDERED", "474a4d505356595c");
}

TEST(messages, asset_create_command_is_its_golden_bytes)
{
    struct asset_create_command message = {
        .nonce = 0x5c595653504d4a47, .operator_index = 0x5b58, .decimals = 0x69};
    fill(message.symbol, 12, 0x7a);
    ROUND_TRIP(asset_create, command, 10, "ASSET_CREATE",
               "474a4d505356595c585b697a7b7c7d7e7f808182838485");
}

TEST(messages, market_create_command_is_its_golden_bytes)
{
    struct market_create_command message = {.nonce = 0x63605d5a5754514e,
                                            .operator_index = 0x625f,
                                            .base = 0x7370,
                                            .quote = 0x8481,
                                            .tick_units = 2856585766247110034,
                                            .lot_units = -5137003332360362333,
                                            .price_min = {5316151642741716916},
                                            .price_max = {-2677437455865755451},
                                            .qty_min = {7775717519236323798},
                                            .qty_max = {-217871579371148569},
                                            .notional_min = {939571186054921208},
                                            .account_orders_max = 0x120f0c09};
    fill(message.symbol, 20, 0x1a);
    ROUND_TRIP(market_create, command, 11, "MARKET_CREATE",
               "4e5154575a5d60635f62707381849295989b9ea1a427a3a6a9acafb2b5b8b4b7"
               "babdc0c3c649c5c8cbced1d4d7dad6d9dcdfe2e5e86be7eaedf0f3f6f9fcf8fb"
               "fe0104070a0d090c0f121a1b1c1d1e1f202122232425262728292a2b2c2d");
}

TEST(messages, market_status_command_is_its_golden_bytes)
{
    struct market_status_command message = {
        .nonce = 0x6a6764615e5b5855, .operator_index = 0x6966, .market = 0x7a77, .status = 0x88};
    ROUND_TRIP(market_status, command, 12, "MARKET_STATUS", "55585b5e6164676a6669777a88");
}

TEST(messages, account_create_command_is_its_golden_bytes)
{
    struct account_create_command message = {
        .nonce = 0x716e6b6865625f5c, .operator_index = 0x706d, .tier = 0x817e};
    fill(message.public_key, 32, 0x8f);
    ROUND_TRIP(account_create, command, 13, "ACCOUNT_CREATE",
               "5c5f6265686b6e716d707e818f909192939495969798999a9b9c9d9e9fa0a1a2"
               "a3a4a5a6a7a8a9aaabacadae");
}

TEST(messages, key_add_command_is_its_golden_bytes)
{
    struct key_add_command message = {.nonce = 0x7875726f6c696663,
                                      .operator_index = 0x7774,
                                      .account = 0x8e8b8885,
                                      .permissions = 0x9996,
                                      .secret_version = 0xaaa7};
    fill(message.key_id, 32, 0xb8);
    fill(message.public_key, 32, 0xbc);
    ROUND_TRIP(key_add, command, 14, "KEY_ADD",
               "6366696c6f727578747785888b8e9699a7aab8b9babbbcbdbebfc0c1c2c3c4c5"
               "c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7bcbdbebfc0c1c2c3c4c5c6c7c8c9"
               "cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadb");
}

TEST(messages, credit_command_is_its_golden_bytes)
{
    struct credit_command message = {.nonce = 0x7f7c797673706d6a,
                                     .operator_index = 0x7e7b,
                                     .account = 0x95928f8c,
                                     .asset = 0xa09d,
                                     .amount = {4882110605713256878}};
    ROUND_TRIP(credit, command, 15, "CREDIT", "6a6d707376797c7f7b7e8c8f92959da0aeb1b4b7babdc043");
}

TEST(messages, debit_command_is_its_golden_bytes)
{
    struct debit_command message = {.nonce = 0x8683807d7a777471,
                                    .operator_index = 0x8582,
                                    .account = 0x9c999693,
                                    .asset = 0xa7a4,
                                    .amount = {5388491815579793589}};
    ROUND_TRIP(debit, command, 16, "DEBIT", "7174777a7d80838682859396999ca4a7b5b8bbbec1c4c74a");
}

TEST(messages, order_cancel_command_is_its_golden_bytes)
{
    struct order_cancel_command message = {.order_id = 0xa9a6a3a09d9a9794,
                                           .account = 0xaeaba8a5,
                                           .market = 0xb9b6,
                                           .restriction = 0xc7};
    fill(message.orig_client_id, 36, 0xd8);
    fill(message.client_id, 36, 0xdc);
    ROUND_TRIP(order_cancel, command, 21, "ORDER_CANCEL",
               "94979a9da0a3a6a9a5a8abaeb6b9c7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8"
               "e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbdcdddedfe0e1e2e3e4e5e6e7e8"
               "e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
}

TEST(messages, cancel_all_command_is_its_golden_bytes)
{
    struct cancel_all_command message = {.account = 0xa4a19e9b, .market = 0xafac};
    ROUND_TRIP(cancel_all, command, 22, "CANCEL_ALL", "9b9ea1a4acaf");
}

TEST(messages, noop_event_is_its_golden_bytes)
{
    struct noop_event message = {.reject = 0x0401};
    ROUND_TRIP(noop, event, 256, "NOOP", "0104");
}

TEST(messages, refused_event_is_its_golden_bytes)
{
    struct refused_event message = {.reject = 0x0b08};
    ROUND_TRIP(refused, event, 257, "REFUSED", "080b");
}

TEST(messages, origin_lost_command_is_its_golden_bytes)
{
    struct origin_lost_command message = {.epoch = 0x3835322f2c292623, .node = 0x3d3a3734};
    ROUND_TRIP(origin_lost, command, 5, "ORIGIN_LOST", "2326292c2f32353834373a3d");
}

TEST(messages, account_tier_command_is_its_golden_bytes)
{
    struct account_tier_command message = {.nonce = 0x8c898683807d7a77,
                                           .operator_index = 0x8b88,
                                           .account = 0xa29f9c99,
                                           .tier = 0xadaa};
    ROUND_TRIP(account_tier, command, 17, "ACCOUNT_TIER", "777a7d808386898c888b999c9fa2aaad");
}

TEST(messages, market_filters_command_is_its_golden_bytes)
{
    struct market_filters_command message = {.nonce = 0x93908d8a8784817e,
                                             .operator_index = 0x928f,
                                             .market_qty_min = {INT64_C(-5354023850874592352)},
                                             .market_qty_max = {INT64_C(-4124240912627288911)},
                                             .notional_max = {INT64_C(-2894457974379985470)},
                                             .position_max = {INT64_C(-1664675036132682029)},
                                             .bid_up = 0xedeae7e4,
                                             .bid_down = 0xfefbf8f5,
                                             .ask_up = 0x0f0c0906,
                                             .ask_down = 0x201d1a17,
                                             .band_ppm = 0x312e2b28,
                                             .average_minutes = 0x423f3c39,
                                             .algo_orders_max = 0x53504d4a,
                                             .iceberg_orders_max = 0x64615e5b,
                                             .iceberg_parts_max = 0x75726f6c,
                                             .order_lists_max = 0x8683807d,
                                             .trailing_min = 0x9794918e,
                                             .trailing_max = 0xa8a5a29f,
                                             .market = 0xb3b0,
                                             .self_trade_modes = 0xc1,
                                             .self_trade_default = 0xd2};
    ROUND_TRIP(market_filters, command, 18, "MARKET_FILTERS",
               "7e8184878a8d90938f92a0a3a6a9acafb2b5b1b4b7babdc0c3c6c2c5c8cbced1"
               "d4d7d3d6d9dcdfe2e5e8e4e7eaedf5f8fbfe06090c0f171a1d20282b2e31393c"
               "3f424a4d50535b5e61646c6f72757d8083868e9194979fa2a5a8b0b3c1d2");
}

TEST(messages, order_place_command_is_its_golden_bytes)
{
    struct order_place_command message = {.price = {INT64_C(-6800827307636125812)},
                                          .qty = {INT64_C(-5571044369388822371)},
                                          .quote_qty = {INT64_C(-4341261431141518930)},
                                          .stop_price = {INT64_C(-3111478492894215489)},
                                          .iceberg_qty = {INT64_C(-1881695554646912048)},
                                          .trailing_delta = 0xeae7e4e1,
                                          .account = 0xfbf8f5f2,
                                          .session = 0x0c090603,
                                          .market = 0x1714,
                                          .side = 0x25,
                                          .type = 0x36,
                                          .time_in_force = 0x47,
                                          .self_trade = 0x58};
    fill(message.client_id, 36, 0x0d);
    ROUND_TRIP(order_place, command, 20, "ORDER_PLACE",
               "8c8f9295989b9ea19da0a3a6a9acafb2aeb1b4b7babdc0c3bfc2c5c8cbced1d4"
               "d0d3d6d9dcdfe2e5e1e4e7eaf2f5f8fb0306090c1417253647580d0e0f101112"
               "131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30");
}

TEST(messages, order_amend_command_is_its_golden_bytes)
{
    struct order_amend_command message = {.order_id = 0xb6b3b0adaaa7a4a1,
                                          .qty = {INT64_C(-4051900739789212238)},
                                          .account = 0xccc9c6c3,
                                          .market = 0xd7d4};
    fill(message.orig_client_id, 36, 0x79);
    fill(message.client_id, 36, 0xce);
    ROUND_TRIP(order_amend, command, 23, "ORDER_AMEND",
               "a1a4a7aaadb0b3b6b2b5b8bbbec1c4c7c3c6c9ccd4d7797a7b7c7d7e7f808182"
               "838485868788898a8b8c8d8e8f909192939495969798999a9b9ccecfd0d1d2d3"
               "d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1");
}

TEST(messages, order_replace_command_is_its_golden_bytes)
{
    struct order_replace_command message = {.price = {INT64_C(-4775302468169978968)},
                                            .qty = {INT64_C(-3545519529922675527)},
                                            .quote_qty = {INT64_C(-2315736591675372086)},
                                            .stop_price = {INT64_C(-1085953653428068645)},
                                            .iceberg_qty = {INT64_C(143829284819234796)},
                                            .trailing_delta = 0x060300fd,
                                            .account = 0x1714110e,
                                            .session = 0x2825221f,
                                            .market = 0x3330,
                                            .side = 0x41,
                                            .type = 0x52,
                                            .time_in_force = 0x63,
                                            .self_trade = 0x74,
                                            .cancel_order_id = 0xaba8a5a29f9c9996,
                                            .mode = 0xa7,
                                            .restriction = 0xb8};
    fill(message.client_id, 36, 0x99);
    fill(message.cancel_orig_client_id, 36, 0xed);
    fill(message.cancel_client_id, 36, 0x42);
    ROUND_TRIP(order_replace, command, 24, "ORDER_REPLACE",
               "a8abaeb1b4b7babdb9bcbfc2c5c8cbcecacdd0d3d6d9dcdfdbdee1e4e7eaedf0"
               "eceff2f5f8fbfe01fd0003060e1114171f222528303341526374999a9b9c9d9e"
               "9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbc9699"
               "9c9fa2a5a8aba7b8edeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff0001020304"
               "05060708090a0b0c0d0e0f1042434445464748494a4b4c4d4e4f505152535455"
               "565758595a5b5c5d5e5f606162636465");
}

TEST(messages, list_place_command_is_its_golden_bytes)
{
    struct list_place_command message = {.account = 0xb8b5b2af,
                                         .session = 0xc9c6c3c0,
                                         .market = 0xd4d1,
                                         .kind = 0xe2,
                                         .self_trade = 0xf3,
                                         .a_price = {INT64_C(3037436198342301717)},
                                         .a_qty = {INT64_C(4267219136589605158)},
                                         .a_stop_price = {INT64_C(5497002074836908599)},
                                         .a_iceberg_qty = {INT64_C(6726785013084212040)},
                                         .a_trailing_delta = 0x625f5c59,
                                         .a_side = 0x6a,
                                         .a_type = 0x7b,
                                         .a_time_in_force = 0x8c,
                                         .b_price = {INT64_C(-4341261431141518930)},
                                         .b_qty = {INT64_C(-3111478492894215489)},
                                         .b_stop_price = {INT64_C(-1881695554646912048)},
                                         .b_iceberg_qty = {INT64_C(-651912616399608607)},
                                         .b_trailing_delta = 0xfbf8f5f2,
                                         .b_side = 0x03,
                                         .b_type = 0x14,
                                         .b_time_in_force = 0x25,
                                         .c_price = {INT64_C(6654444840246135367)},
                                         .c_qty = {INT64_C(7884227778493438808)},
                                         .c_stop_price = {INT64_C(9114010716740742249)},
                                         .c_iceberg_qty = {INT64_C(-8102950418721505926)},
                                         .c_trailing_delta = 0x94918e8b,
                                         .c_side = 0x9c,
                                         .c_type = 0xad,
                                         .c_time_in_force = 0xbe};
    fill(message.client_id, 36, 0x14);
    fill(message.a_client_id, 36, 0x11);
    fill(message.b_client_id, 36, 0x0e);
    fill(message.c_client_id, 36, 0x0b);
    ROUND_TRIP(list_place, command, 25, "LIST_PLACE",
               "afb2b5b8c0c3c6c9d1d4e2f31415161718191a1b1c1d1e1f2021222324252627"
               "28292a2b2c2d2e2f303132333435363715181b1e2124272a26292c2f3235383b"
               "373a3d404346494c484b4e5154575a5d595c5f626a7b8c111213141516171819"
               "1a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334aeb1b4b7ba"
               "bdc0c3bfc2c5c8cbced1d4d0d3d6d9dcdfe2e5e1e4e7eaedf0f3f6f2f5f8fb03"
               "14250e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
               "2c2d2e2f3031474a4d505356595c585b5e6164676a6d696c6f7275787b7e7a7d"
               "808386898c8f8b8e91949cadbe0b0c0d0e0f101112131415161718191a1b1c1d"
               "1e1f202122232425262728292a2b2c2d2e");
}

TEST(messages, list_cancel_command_is_its_golden_bytes)
{
    struct list_cancel_command message = {
        .list_id = 0xcbc8c5c2bfbcb9b6, .account = 0xd0cdcac7, .market = 0xdbd8};
    fill(message.orig_client_id, 36, 0x8d);
    fill(message.client_id, 36, 0xe2);
    ROUND_TRIP(list_cancel, command, 26, "LIST_CANCEL",
               "b6b9bcbfc2c5c8cbc7cacdd0d8db8d8e8f909192939495969798999a9b9c9d9e"
               "9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0e2e3e4e5e6e7e8e9eaebecedeeef"
               "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405");
}

TEST(messages, switch_set_command_is_its_golden_bytes)
{
    struct switch_set_command message = {
        .timeout_ms = 0xc6c3c0bd, .account = 0xd7d4d1ce, .market = 0xe2df};
    ROUND_TRIP(switch_set, command, 27, "SWITCH_SET", "bdc0c3c6ced1d4d7dfe2");
}

TEST(messages, session_end_command_is_its_golden_bytes)
{
    struct session_end_command message = {
        .session = 0xcdcac7c4, .account = 0xdedbd8d5, .market = 0xe9e6};
    ROUND_TRIP(session_end, command, 28, "SESSION_END", "c4c7cacdd5d8dbdee6e9");
}

TEST(messages, node_add_command_is_its_golden_bytes)
{
    struct node_add_command message = {
        .nonce = 0xe0dddad7d4d1cecb, .operator_index = 0xdfdc, .node = 0xf6f3f0ed};
    fill(message.public_key, 32, 0xf6);
    fill(message.address, 64, 0x4b);
    ROUND_TRIP(node_add, command, 29, "NODE_ADD",
               "cbced1d4d7dadde0dcdfedf0f3f6f6f7f8f9fafbfcfdfeff0001020304050607"
               "08090a0b0c0d0e0f1011121314154b4c4d4e4f505152535455565758595a5b5c"
               "5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c"
               "7d7e7f808182838485868788898a");
}

TEST(messages, node_role_command_is_its_golden_bytes)
{
    struct node_role_command message = {
        .nonce = 0xe7e4e1dedbd8d5d2, .operator_index = 0xe6e3, .node = 0xfdfaf7f4, .role = 0x05};
    ROUND_TRIP(node_role, command, 30, "NODE_ROLE", "d2d5d8dbdee1e4e7e3e6f4f7fafd05");
}

TEST(messages, node_remove_command_is_its_golden_bytes)
{
    struct node_remove_command message = {
        .nonce = 0xeeebe8e5e2dfdcd9, .operator_index = 0xedea, .node = 0x0401fefb};
    ROUND_TRIP(node_remove, command, 31, "NODE_REMOVE", "d9dcdfe2e5e8ebeeeaedfbfe0104");
}

TEST(messages, node_swap_command_is_its_golden_bytes)
{
    struct node_swap_command message = {.nonce = 0xf5f2efece9e6e3e0,
                                        .operator_index = 0xf4f1,
                                        .old_node = 0x0b080502,
                                        .new_node = 0x1c191613};
    ROUND_TRIP(node_swap, command, 32, "NODE_SWAP", "e0e3e6e9eceff2f5f1f40205080b1316191c");
}

TEST(messages, epoch_change_command_is_its_golden_bytes)
{
    struct epoch_change_command message = {.epoch = 0xfcf9f6f3f0edeae7,
                                           .height = 0x0d0a070401fefbf8};
    fill(message.header_hash, 32, 0x2d);
    ROUND_TRIP(epoch_change, command, 33, "EPOCH_CHANGE",
               "e7eaedf0f3f6f9fcf8fbfe0104070a0d2d2e2f303132333435363738393a3b3c"
               "3d3e3f404142434445464748494a4b4c");
}

TEST(messages, hello_accepted_event_is_its_golden_bytes)
{
    struct hello_accepted_event message = {.epoch = 0x24211e1b1815120f, .node = 0x29262320};
    ROUND_TRIP(hello_accepted, event, 258, "HELLO_ACCEPTED", "0f1215181b1e212420232629");
}

TEST(messages, sealed_event_is_its_golden_bytes)
{
    struct sealed_event message = {.height = 0x2b2825221f1c1916,
                                   .first_command = 0x3c393633302d2a27};
    ROUND_TRIP(sealed, event, 259, "SEALED", "16191c1f2225282b272a2d303336393c");
}

TEST(messages, asset_created_event_is_its_golden_bytes)
{
    struct asset_created_event message = {.asset = 0x4a47, .decimals = 0x58};
    fill(message.symbol, 12, 0x69);
    ROUND_TRIP(asset_created, event, 266, "ASSET_CREATED", "474a58696a6b6c6d6e6f7071727374");
}

TEST(messages, market_created_event_is_its_golden_bytes)
{
    struct market_created_event message = {.market = 0x514e,
                                           .base = 0x625f,
                                           .quote = 0x7370,
                                           .tick_units = -7596569208854969215,
                                           .lot_units = 2856585766247110034,
                                           .price_min = {-5137003332360362333},
                                           .price_max = {5316151642741716916},
                                           .qty_min = {-2677437455865755451},
                                           .qty_max = {7775717519236323798},
                                           .notional_min = {-217871579371148569},
                                           .account_orders_max = 0x01fefbf8};
    fill(message.symbol, 20, 0x09);
    ROUND_TRIP(market_created, event, 267, "MARKET_CREATED",
               "4e515f6270738184878a8d9093969295989b9ea1a427a3a6a9acafb2b5b8b4b7"
               "babdc0c3c649c5c8cbced1d4d7dad6d9dcdfe2e5e86be7eaedf0f3f6f9fcf8fb"
               "fe01090a0b0c0d0e0f101112131415161718191a1b1c");
}

TEST(messages, market_status_changed_event_is_its_golden_bytes)
{
    struct market_status_changed_event message = {.market = 0x5855, .status = 0x66};
    ROUND_TRIP(market_status_changed, event, 268, "MARKET_STATUS_CHANGED", "555866");
}

TEST(messages, account_created_event_is_its_golden_bytes)
{
    struct account_created_event message = {.account = 0x65625f5c, .tier = 0x706d};
    fill(message.public_key, 32, 0x7e);
    ROUND_TRIP(account_created, event, 269, "ACCOUNT_CREATED",
               "5c5f62656d707e7f808182838485868788898a8b8c8d8e8f9091929394959697"
               "98999a9b9c9d");
}

TEST(messages, key_added_event_is_its_golden_bytes)
{
    struct key_added_event message = {
        .account = 0x6c696663, .permissions = 0x7774, .secret_version = 0x8885};
    fill(message.key_id, 32, 0x96);
    fill(message.public_key, 32, 0x9a);
    ROUND_TRIP(key_added, event, 270, "KEY_ADDED",
               "6366696c74778588969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacad"
               "aeafb0b1b2b3b4b59a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1"
               "b2b3b4b5b6b7b8b9");
}

TEST(messages, credited_event_is_its_golden_bytes)
{
    struct credited_event message = {
        .amount = {9186350889578818922}, .account = 0x84817e7b, .asset = 0x8f8c};
    ROUND_TRIP(credited, event, 271, "CREDITED", "6a6d707376797c7f7b7e81848c8f");
}

TEST(messages, debited_event_is_its_golden_bytes)
{
    struct debited_event message = {
        .amount = {469360062590579825}, .account = 0x8b888582, .asset = 0x9693};
    ROUND_TRIP(debited, event, 272, "DEBITED", "7174777a7d8083068285888b9396");
}

TEST(messages, order_accepted_event_is_its_golden_bytes)
{
    struct order_accepted_event message = {.order_id = 0xa29f9c999693908d,
                                           .price = {-5498704196550745698},
                                           .qty = {4954450778551333551},
                                           .quote_qty = {-3039138320056138816},
                                           .hold = {7414016655045940433},
                                           .account = 0xebe8e5e2,
                                           .market = 0xf6f3,
                                           .hold_asset = 0x0704,
                                           .side = 0x15,
                                           .type = 0x26,
                                           .time_in_force = 0x37,
                                           .self_trade = 0x48};
    fill(message.client_id, 36, 0x59);
    ROUND_TRIP(order_accepted, event, 276, "ORDER_ACCEPTED",
               "8d909396999c9fa29ea1a4a7aaadb0b3afb2b5b8bbbec144c0c3c6c9cccfd2d5"
               "d1d4d7dadde0e366e2e5e8ebf3f6040715263748595a5b5c5d5e5f6061626364"
               "65666768696a6b6c6d6e6f707172737475767778797a7b7c");
}

TEST(messages, fill_event_is_its_golden_bytes)
{
    struct fill_event message = {.trade_id = 0xa9a6a3a09d9a9794,
                                 .aggregate_id = 0xbab7b4b1aeaba8a5,
                                 .maker_order = 0xcbc8c5c2bfbcb9b6,
                                 .taker_order = 0xdcd9d6d3d0cdcac7,
                                 .price = {7920397864912477144},
                                 .qty = {-73191233694995223},
                                 .maker_account = 0x0300fdfa,
                                 .taker_account = 0x14110e0b,
                                 .maker_rate_ppm = 622993180,
                                 .taker_rate_ppm = -1238159315,
                                 .market = 0x413e,
                                 .taker_side = 0x4f};
    ROUND_TRIP(fill, event, 277, "FILL",
               "94979a9da0a3a6a9a5a8abaeb1b4b7bab6b9bcbfc2c5c8cbc7cacdd0d3d6d9dc"
               "d8dbdee1e4e7ea6de9eceff2f5f8fbfefafd00030b0e11141c1f22252d3033b6"
               "3e414f");
}

TEST(messages, order_done_event_is_its_golden_bytes)
{
    struct order_done_event message = {.order_id = 0xb0adaaa7a4a19e9b,
                                       .created_ns = 0xc1bebbb8b5b2afac,
                                       .price = {5967213198284406973},
                                       .qty = {-2026375900323065394},
                                       .executed = {8426779074779013855},
                                       .quote_qty = {-8862239654721162256},
                                       .quote_executed = {1590632741580768257},
                                       .account = 0x1b181512,
                                       .market = 0x2623,
                                       .side = 0x34,
                                       .type = 0x45,
                                       .time_in_force = 0x56,
                                       .self_trade = 0x67,
                                       .status = 0x78,
                                       .reason = 0x89};
    fill(message.client_id, 36, 0x9a);
    ROUND_TRIP(order_done, event, 278, "ORDER_DONE",
               "9b9ea1a4a7aaadb0acafb2b5b8bbbec1bdc0c3c6c9cccf52ced1d4d7dadde0e3"
               "dfe2e5e8ebeef174f0f3f6f9fcff02850104070a0d1013161215181b23263445"
               "566778899a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5"
               "b6b7b8b9babbbcbd");
}

TEST(messages, level_event_is_its_golden_bytes)
{
    struct level_event message = {.update_id = 0xb7b4b1aeaba8a5a2,
                                  .price = {-3979560566951135565},
                                  .qty = {6473594408150943684},
                                  .market = 0xd8d5,
                                  .side = 0xe6};
    ROUND_TRIP(level, event, 279, "LEVEL",
               "a2a5a8abaeb1b4b7b3b6b9bcbfc2c5c8c4c7cacdd0d3d659d5d8e6");
}

TEST(messages, balance_event_is_its_golden_bytes)
{
    struct balance_event message = {.available = {4520409741522873513},
                                    .held = {-3473179357084598854},
                                    .account = 0xd4d1cecb,
                                    .asset = 0xdfdc};
    ROUND_TRIP(balance, event, 280, "BALANCE", "a9acafb2b5b8bb3ebabdc0c3c6c9cccfcbced1d4dcdf");
}

TEST(messages, order_terms_event_is_its_golden_bytes)
{
    struct order_terms_event message = {.order_id = 0xc4c1bebbb8b5b2af,
                                        .list_id = 0xd5d2cfccc9c6c3c0,
                                        .stop_price = {INT64_C(-1809355381808835375)},
                                        .iceberg_qty = {INT64_C(-579572443561531934)},
                                        .prevented = {INT64_C(577871425671132915)},
                                        .trailing_delta = 0x0d0a0704,
                                        .account = 0x1e1b1815,
                                        .market = 0x2926,
                                        .pending = 0x37};
    ROUND_TRIP(order_terms, event, 281, "ORDER_TERMS",
               "afb2b5b8bbbec1c4c0c3c6c9cccfd2d5d1d4d7dadde0e3e6e2e5e8ebeef1f4f7"
               "f3f6f9fcff02050804070a0d15181b1e262937");
}

TEST(messages, order_triggered_event_is_its_golden_bytes)
{
    struct order_triggered_event message = {.order_id = 0xcbc8c5c2bfbcb9b6,
                                            .trigger_price = {INT64_C(-2532757110189602105)},
                                            .hold = {INT64_C(-1302974171942298664)},
                                            .account = 0xf2efece9,
                                            .market = 0xfdfa,
                                            .hold_asset = 0x0e0b};
    ROUND_TRIP(order_triggered, event, 282, "ORDER_TRIGGERED",
               "b6b9bcbfc2c5c8cbc7cacdd0d3d6d9dcd8dbdee1e4e7eaede9eceff2fafd0b0e");
}

TEST(messages, order_released_event_is_its_golden_bytes)
{
    struct order_released_event message = {.order_id = 0xd2cfccc9c6c3c0bd,
                                           .hold = {INT64_C(-2026375900323065394)},
                                           .account = 0xe8e5e2df,
                                           .market = 0xf3f0,
                                           .hold_asset = 0x0401};
    ROUND_TRIP(order_released, event, 283, "ORDER_RELEASED",
               "bdc0c3c6c9cccfd2ced1d4d7dadde0e3dfe2e5e8f0f30104");
}

TEST(messages, prevented_event_is_its_golden_bytes)
{
    struct prevented_event message = {.prevented_id = 0xd9d6d3d0cdcac7c4,
                                      .maker_order = 0xeae7e4e1dedbd8d5,
                                      .taker_order = 0xfbf8f5f2efece9e6,
                                      .price = {INT64_C(867231013216844535)},
                                      .maker_qty = {INT64_C(2097013951447304968)},
                                      .taker_qty = {INT64_C(3326796889694608409)},
                                      .maker_account = 0x33302d2a,
                                      .taker_account = 0x44413e3b,
                                      .market = 0x4f4c,
                                      .taker_side = 0x5d,
                                      .mode = 0x6e};
    ROUND_TRIP(prevented, event, 284, "PREVENTED",
               "c4c7cacdd0d3d6d9d5d8dbdee1e4e7eae6e9eceff2f5f8fbf7fafd000306090c"
               "080b0e1114171a1d191c1f2225282b2e2a2d30333b3e41444c4f5d6e");
}

TEST(messages, order_amended_event_is_its_golden_bytes)
{
    struct order_amended_event message = {.order_id = 0xe0dddad7d4d1cecb,
                                          .qty_before = {INT64_C(-1013613480589991972)},
                                          .qty = {INT64_C(216169457657311469)},
                                          .account = 0x070401fe,
                                          .market = 0x120f};
    fill(message.client_id, 36, 0xa0);
    ROUND_TRIP(order_amended, event, 285, "ORDER_AMENDED",
               "cbced1d4d7dadde0dcdfe2e5e8ebeef1edf0f3f6f9fcff02fe0104070f12a0a1"
               "a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1"
               "c2c3");
}

TEST(messages, order_replaced_event_is_its_golden_bytes)
{
    struct order_replaced_event message = {
        .cancel_reject = 0xd5d2, .place_reject = 0xe6e3, .attempted = 0xf4};
    ROUND_TRIP(order_replaced, event, 286, "ORDER_REPLACED", "d2d5e3e6f4");
}

TEST(messages, list_accepted_event_is_its_golden_bytes)
{
    struct list_accepted_event message = {.list_id = 0xeeebe8e5e2dfdcd9,
                                          .a_order = 0xfffcf9f6f3f0edea,
                                          .b_order = 0x100d0a070401fefb,
                                          .c_order = 0x211e1b1815120f0c,
                                          .account = 0x2623201d,
                                          .market = 0x312e,
                                          .kind = 0x3f};
    fill(message.client_id, 36, 0x90);
    ROUND_TRIP(list_accepted, event, 287, "LIST_ACCEPTED",
               "d9dcdfe2e5e8ebeeeaedf0f3f6f9fcfffbfe0104070a0d100c0f1215181b1e21"
               "1d2023262e313f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8"
               "a9aaabacadaeafb0b1b2b3");
}

TEST(messages, list_done_event_is_its_golden_bytes)
{
    struct list_done_event message = {
        .list_id = 0xf5f2efece9e6e3e0, .account = 0xfaf7f4f1, .market = 0x0502};
    ROUND_TRIP(list_done, event, 288, "LIST_DONE", "e0e3e6e9eceff2f5f1f4f7fa0205");
}

TEST(messages, switch_armed_event_is_its_golden_bytes)
{
    struct switch_armed_event message = {
        .deadline_ns = 0xfcf9f6f3f0edeae7, .account = 0x01fefbf8, .market = 0x0c09};
    ROUND_TRIP(switch_armed, event, 289, "SWITCH_ARMED", "e7eaedf0f3f6f9fcf8fbfe01090c");
}

TEST(messages, switch_fired_event_is_its_golden_bytes)
{
    struct switch_fired_event message = {
        .deadline_ns = 0x0300fdfaf7f4f1ee, .account = 0x080502ff, .market = 0x1310};
    ROUND_TRIP(switch_fired, event, 290, "SWITCH_FIRED", "eef1f4f7fafd0003ff0205081013");
}

TEST(messages, tier_changed_event_is_its_golden_bytes)
{
    struct tier_changed_event message = {.account = 0xfefbf8f5, .tier = 0x0906};
    ROUND_TRIP(tier_changed, event, 291, "TIER_CHANGED", "f5f8fbfe0609");
}

TEST(messages, tier_set_event_is_its_golden_bytes)
{
    struct tier_set_event message = {.account = 0x0502fffc, .tier = 0x100d};
    ROUND_TRIP(tier_set, event, 292, "TIER_SET", "fcff02050d10");
}

TEST(messages, market_filtered_event_is_its_golden_bytes)
{
    struct market_filtered_event message = {.market_qty_min = {INT64_C(1735313087256921603)},
                                            .market_qty_max = {INT64_C(2965096025504225044)},
                                            .notional_max = {INT64_C(4194878963751528485)},
                                            .position_max = {INT64_C(5424661901998831926)},
                                            .bid_up = 0x504d4a47,
                                            .bid_down = 0x615e5b58,
                                            .ask_up = 0x726f6c69,
                                            .ask_down = 0x83807d7a,
                                            .band_ppm = 0x94918e8b,
                                            .average_minutes = 0xa5a29f9c,
                                            .algo_orders_max = 0xb6b3b0ad,
                                            .iceberg_orders_max = 0xc7c4c1be,
                                            .iceberg_parts_max = 0xd8d5d2cf,
                                            .order_lists_max = 0xe9e6e3e0,
                                            .trailing_min = 0xfaf7f4f1,
                                            .trailing_max = 0x0b080502,
                                            .market = 0x1613,
                                            .self_trade_modes = 0x24,
                                            .self_trade_default = 0x35};
    ROUND_TRIP(market_filtered, event, 293, "MARKET_FILTERED",
               "0306090c0f12151814171a1d2023262925282b2e3134373a36393c3f4245484b"
               "474a4d50585b5e61696c6f727a7d80838b8e91949c9fa2a5adb0b3b6bec1c4c7"
               "cfd2d5d8e0e3e6e9f1f4f7fa0205080b13162435");
}

TEST(messages, node_changed_event_is_its_golden_bytes)
{
    struct node_changed_event message = {
        .height = 0x1f1c191613100d0a, .node = 0x24211e1b, .role = 0x2c};
    fill(message.public_key, 32, 0x31);
    fill(message.address, 64, 0x86);
    ROUND_TRIP(node_changed, event, 294, "NODE_CHANGED",
               "0a0d101316191c1f1b1e21242c3132333435363738393a3b3c3d3e3f40414243"
               "4445464748494a4b4c4d4e4f50868788898a8b8c8d8e8f909192939495969798"
               "999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8"
               "b9babbbcbdbebfc0c1c2c3c4c5");
}

TEST(messages, epoch_changed_event_is_its_golden_bytes)
{
    struct epoch_changed_event message = {.epoch = 0x2623201d1a171411};
    ROUND_TRIP(epoch_changed, event, 295, "EPOCH_CHANGED", "1114171a1d202326");
}

TEST(messages, block_sealed_notice_is_its_golden_bytes)
{
    struct block_sealed_notice message = {0};
    fill(message.header, 448, 0x01);
    fill(message.hash, 32, 0x05);
    ROUND_TRIP(block_sealed, notice, 512, "BLOCK_SEALED",
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
               "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
               "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
               "6162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80"
               "8182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0"
               "a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0"
               "c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0"
               "e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00"
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
               "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
               "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
               "6162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80"
               "8182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0"
               "a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0"
               "05060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324");
}

TEST(messages, block_certified_notice_is_its_golden_bytes)
{
    struct block_certified_notice message = {.height = 0x1d1a1714110e0b08,
                                             .vote_count = 0x221f1c19};
    fill(message.hash, 32, 0x2a);
    ROUND_TRIP(block_certified, notice, 513, "BLOCK_CERTIFIED",
               "080b0e1114171a1d191c1f222a2b2c2d2e2f303132333435363738393a3b3c3d"
               "3e3f40414243444546474849");
}

/* ---- Commands: header, payload, authentication ---- */

static size_t make_seal(uint8_t *bytes, uint16_t auth_length)
{
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + SEAL_BYTES + auth_length),
        .type = T_SEAL,
        .group = 0x0102,
        .origin = 0x03040506,
        .auth_kind = AUTH_HMAC,
        .auth_length = auth_length,
        .origin_epoch = 0x1112131415161718,
        .origin_sequence = 0x2122232425262728,
        .deadline_ns = 0x3132333435363738,
        .ticket = 0x4142434445464748,
    };
    const struct seal_command seal = {.height = 0x5152535455565758};
    command_header_put(bytes, &header);
    uint8_t *auth = seal_command_put(bytes + COMMAND_HEADER_BYTES, &seal);
    fill(auth, auth_length, 0x60);
    return header.length;
}

TEST(messages, a_command_is_its_golden_bytes)
{
    uint8_t bytes[128];
    const size_t byte_count = make_seal(bytes, 3);
    expect_bytes(bytes, byte_count,
                 "3b000000" /* length */
                 "0200"     /* type */
                 "0201"     /* group */
                 "06050403" /* origin */
                 "0100"     /* auth_kind */
                 "0300"     /* auth_length */
                 "1817161514131211"
                 "2827262524232221"
                 "3837363534333231"
                 "4847464544434241"
                 "5857565554535251" /* the payload */
                 "606162");         /* the authentication */
}

TEST(messages, a_command_decodes_to_what_was_written)
{
    uint8_t bytes[128];
    struct command command;
    const size_t byte_count = make_seal(bytes, 3);
    assert_true(command_decode(bytes, byte_count, &command));
    assert_int_equal(command.header.length, byte_count);
    assert_int_equal(command.header.type, T_SEAL);
    assert_int_equal(command.header.group, 0x0102);
    assert_int_equal(command.header.origin, 0x03040506);
    assert_int_equal(command.header.auth_kind, AUTH_HMAC);
    assert_true(command.header.origin_epoch == 0x1112131415161718);
    assert_true(command.header.origin_sequence == 0x2122232425262728);
    assert_true(command.header.deadline_ns == 0x3132333435363738);
    assert_true(command.header.ticket == 0x4142434445464748);
    assert_ptr_equal(command.payload, bytes + COMMAND_HEADER_BYTES);
    assert_ptr_equal(command.auth, bytes + COMMAND_HEADER_BYTES + SEAL_BYTES);
}

TEST(messages, a_command_of_any_other_length_is_refused)
{
    uint8_t bytes[128] = {0};
    struct command command;
    const size_t byte_count = make_seal(bytes, 3);
    for (size_t length = 0; length < sizeof(bytes); length++)
        assert_int_equal(command_decode(bytes, length, &command), length == byte_count);
    bytes[14] = 4; /* auth_length */
    assert_false(command_decode(bytes, byte_count, &command));
    bytes[14] = 3;
    bytes[0]++; /* length */
    assert_false(command_decode(bytes, byte_count, &command));
    assert_false(command_decode(bytes, byte_count + 1, &command));
}

TEST(messages, only_known_commands_are_commands)
{
    static uint8_t bytes[COMMAND_BYTES_MAX];
    struct command command;
    for (uint32_t type = 0; type <= UINT16_MAX; type++) {
        const size_t payload_bytes = message_payload_bytes((uint16_t)type);
        const struct command_header header = {
            .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes), .type = (uint16_t)type};
        command_header_put(bytes, &header);
        assert_int_equal(command_decode(bytes, header.length, &command),
                         payload_bytes > 0 && type < 256);
    }
}

TEST(messages, an_authentication_of_4096_bytes_is_the_longest)
{
    static uint8_t bytes[COMMAND_BYTES_MAX + 1];
    struct command command;
    assert_true(command_decode(bytes, make_seal(bytes, COMMAND_AUTH_MAX), &command));
    assert_false(command_decode(bytes, make_seal(bytes, COMMAND_AUTH_MAX + 1), &command));
}

/* ---- Events ---- */

TEST(messages, events_are_walked_in_order)
{
    uint8_t bytes[256];
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    event_write_noop(&writer, &(struct noop_event){.reject = 7});
    event_write_sealed(&writer, &(struct sealed_event){.height = 2, .first_command = 9});
    assert_int_equal(writer.count, 2);
    expect_bytes(bytes, (size_t)(writer.at - bytes),
                 "00010200"
                 "0700"
                 "03011000"
                 "0200000000000000"
                 "0900000000000000");

    const uint8_t *at = bytes;
    struct event event;
    struct sealed_event sealed;
    assert_true(event_next(&at, writer.at, &event));
    assert_int_equal(event.type, T_NOOP);
    assert_true(event_next(&at, writer.at, &event));
    assert_int_equal(event.type, T_SEALED);
    sealed_event_get(event.payload, &sealed);
    assert_int_equal(sealed.first_command, 9);
    assert_false(event_next(&at, writer.at, &event));
    assert_ptr_equal(at, writer.at);
}

TEST(messages, bytes_that_are_no_events_end_the_walk_early)
{
    uint8_t bytes[64];
    struct event event;
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    event_write_sealed(&writer, &(struct sealed_event){.height = 2});
    for (const uint8_t *end = bytes; end <= writer.at; end++) {
        const uint8_t *at = bytes;
        assert_int_equal(event_next(&at, end, &event), end == writer.at);
        assert_ptr_equal(at, end == writer.at ? end : bytes);
    }
    const uint8_t *at = bytes;
    bytes[2]++; /* payload length */
    assert_false(event_next(&at, bytes + sizeof(bytes), &event));
    bytes[2]--;
    bytes[0] = T_SEAL; /* a command is no event */
    bytes[1] = 0;
    assert_false(event_next(&at, writer.at, &event));
}

/* A notice is framed like an event and is none: each decoder refuses the other's, and a notice fills
 * its bytes exactly. */
TEST(messages, notices_are_no_events)
{
    uint8_t bytes[EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES + 1];
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    const struct block_certified_notice certified = {.height = 7, .vote_count = 1};
    struct event decoded;

    notice_write_block_certified(&writer, &certified);
    const size_t byte_count = (size_t)(writer.at - bytes);
    assert_true(notice_decode(bytes, byte_count, &decoded));
    assert_int_equal(decoded.type, T_BLOCK_CERTIFIED);
    assert_int_equal(decoded.payload_length, BLOCK_CERTIFIED_BYTES);
    assert_false(notice_decode(bytes, byte_count - 1, &decoded));
    assert_false(notice_decode(bytes, byte_count + 1, &decoded));
    const uint8_t *at = bytes;
    assert_false(event_next(&at, bytes + byte_count, &decoded));

    const struct noop_event noop = {.reject = 1};
    writer = (struct event_writer){.at = bytes, .end = bytes + sizeof(bytes)};
    event_write_noop(&writer, &noop);
    assert_false(notice_decode(bytes, (size_t)(writer.at - bytes), &decoded));
}

TEST(messages, an_event_fits_the_declared_bounds)
{
    for (uint32_t type = 0; type <= UINT16_MAX; type++) {
        const size_t payload_bytes = message_payload_bytes((uint16_t)type);
        if (type >= T_NOOP && type < T_BLOCK_SEALED)
            assert_true(payload_bytes <= EVENT_PAYLOAD_MAX);
        assert_true(payload_bytes <= 512);
        if (payload_bytes == 0) assert_string_equal(message_name((uint16_t)type), "UNKNOWN");
    }
}

TEST(messages, route_fee_set_command_is_its_golden_bytes)
{
    struct route_fee_set_command message = {.nonce = 0x0807060504030201,
                                            .operator_index = 0x0a09,
                                            .fee = {0x1211100f0e0d0c0b},
                                            .asset = 0x1413};
    fill(message.chain, 12, 0x15);
    ROUND_TRIP(route_fee_set, command, 52, "ROUTE_FEE_SET",
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
}

TEST(messages, route_fee_changed_event_is_its_golden_bytes)
{
    struct route_fee_changed_event message = {.from_ns = 0x0807060504030201,
                                              .fee_before = {0x100f0e0d0c0b0a09},
                                              .fee = {0x1817161514131211},
                                              .asset = 0x1a19};
    fill(message.chain, 12, 0x1b);
    ROUND_TRIP(route_fee_changed, event, 311, "ROUTE_FEE_CHANGED",
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526");
}

TEST(messages, withdrawal_moved_event_is_its_golden_bytes)
{
    struct withdrawal_moved_event message = {.withdrawal = 0x0807060504030201,
                                             .block = 0x100f0e0d0c0b0a09,
                                             .amount = {0x1817161514131211},
                                             .fee = {0x201f1e1d1c1b1a19},
                                             .paid = {0x2827262524232221},
                                             .account = 0x2c2b2a29,
                                             .asset = 0x2e2d,
                                             .approvers = 0x302f,
                                             .before = 0x31,
                                             .state = 0x32};
    fill(message.chain, 12, 0x33);
    fill(message.address, 64, 0x3f);
    fill(message.client_id, 36, 0x7f);
    fill(message.txid, 32, 0xa3);
    ROUND_TRIP(withdrawal_moved, event, 312, "WITHDRAWAL_MOVED",
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
               "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
               "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
               "6162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80"
               "8182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0"
               "a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0"
               "c1c2");
}

TEST(messages, order_submit_command_is_its_golden_bytes)
{
    struct order_submit_command message = {.price = {0x0807060504030201},
                                           .qty = {0x100f0e0d0c0b0a09},
                                           .quote_qty = {0x1817161514131211},
                                           .stop_price = {0x201f1e1d1c1b1a19},
                                           .iceberg_qty = {0x2827262524232221},
                                           .trailing_delta = 0x2c2b2a29,
                                           .account = 0x302f2e2d,
                                           .session = 0x34333231,
                                           .market = 0x3635,
                                           .side = 0x37,
                                           .type = 0x38,
                                           .time_in_force = 0x39,
                                           .self_trade = 0x3a,
                                           .strategy_id = 0x666564636261605f,
                                           .strategy_type = 0x6a696867,
                                           .flags = 0x6b};
    fill(message.client_id, 36, 0x3b);
    ROUND_TRIP(order_submit, command, 53, "ORDER_SUBMIT",
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
               "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
               "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
               "6162636465666768696a6b");
}

TEST(messages, order_resubmit_command_is_its_golden_bytes)
{
    struct order_resubmit_command message = {.price = {0x0807060504030201},
                                             .qty = {0x100f0e0d0c0b0a09},
                                             .quote_qty = {0x1817161514131211},
                                             .stop_price = {0x201f1e1d1c1b1a19},
                                             .iceberg_qty = {0x2827262524232221},
                                             .trailing_delta = 0x2c2b2a29,
                                             .account = 0x302f2e2d,
                                             .session = 0x34333231,
                                             .market = 0x3635,
                                             .side = 0x37,
                                             .type = 0x38,
                                             .time_in_force = 0x39,
                                             .self_trade = 0x3a,
                                             .cancel_order_id = 0x666564636261605f,
                                             .mode = 0x67,
                                             .restriction = 0x68,
                                             .strategy_id = 0xb8b7b6b5b4b3b2b1,
                                             .strategy_type = 0xbcbbbab9,
                                             .flags = 0xbd};
    fill(message.client_id, 36, 0x3b);
    fill(message.cancel_orig_client_id, 36, 0x69);
    fill(message.cancel_client_id, 36, 0x8d);
    ROUND_TRIP(order_resubmit, command, 54, "ORDER_RESUBMIT",
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
               "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
               "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
               "6162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80"
               "8182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0"
               "a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbd");
}

TEST(messages, list_submit_command_is_its_golden_bytes)
{
    struct list_submit_command message = {.account = 0x04030201,
                                          .session = 0x08070605,
                                          .market = 0x0a09,
                                          .kind = 0x0b,
                                          .self_trade = 0x0c,
                                          .a_price = {0x3837363534333231},
                                          .a_qty = {0x403f3e3d3c3b3a39},
                                          .a_stop_price = {0x4847464544434241},
                                          .a_iceberg_qty = {0x504f4e4d4c4b4a49},
                                          .a_trailing_delta = 0x54535251,
                                          .a_side = 0x55,
                                          .a_type = 0x56,
                                          .a_time_in_force = 0x57,
                                          .b_price = {(int64_t)0x838281807f7e7d7cu},
                                          .b_qty = {(int64_t)0x8b8a898887868584u},
                                          .b_stop_price = {(int64_t)0x939291908f8e8d8cu},
                                          .b_iceberg_qty = {(int64_t)0x9b9a999897969594u},
                                          .b_trailing_delta = 0x9f9e9d9c,
                                          .b_side = 0xa0,
                                          .b_type = 0xa1,
                                          .b_time_in_force = 0xa2,
                                          .c_price = {(int64_t)0xcecdcccbcac9c8c7u},
                                          .c_qty = {(int64_t)0xd6d5d4d3d2d1d0cfu},
                                          .c_stop_price = {(int64_t)0xdedddcdbdad9d8d7u},
                                          .c_iceberg_qty = {(int64_t)0xe6e5e4e3e2e1e0dfu},
                                          .c_trailing_delta = 0xeae9e8e7,
                                          .c_side = 0xeb,
                                          .c_type = 0xec,
                                          .c_time_in_force = 0xed,
                                          .a_strategy_id = 0x1918171615141312,
                                          .a_strategy_type = 0x1d1c1b1a,
                                          .a_flags = 0x1e,
                                          .b_strategy_id = 0x262524232221201f,
                                          .b_strategy_type = 0x2a292827,
                                          .b_flags = 0x2b,
                                          .c_strategy_id = 0x333231302f2e2d2c,
                                          .c_strategy_type = 0x37363534,
                                          .c_flags = 0x38};
    fill(message.client_id, 36, 0x0d);
    fill(message.a_client_id, 36, 0x58);
    fill(message.b_client_id, 36, 0xa3);
    fill(message.c_client_id, 36, 0xee);
    ROUND_TRIP(list_submit, command, 55, "LIST_SUBMIT",
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
               "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
               "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
               "6162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80"
               "8182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0"
               "a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0"
               "c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0"
               "e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00"
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
               "2122232425262728292a2b2c2d2e2f303132333435363738");
}

TEST(messages, order_tagged_event_is_its_golden_bytes)
{
    struct order_tagged_event message = {.order_id = 0x0807060504030201,
                                         .strategy_id = 0x100f0e0d0c0b0a09,
                                         .strategy_type = 0x14131211,
                                         .account = 0x18171615,
                                         .market = 0x1a19,
                                         .flags = 0x1b};
    ROUND_TRIP(order_tagged, event, 313, "ORDER_TAGGED",
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b");
}

TEST(messages, order_repeated_event_is_its_golden_bytes)
{
    struct order_repeated_event message = {.command = 0x0807060504030201,
                                           .stamp_ns = 0x100f0e0d0c0b0a09,
                                           .order_id = 0x1817161514131211,
                                           .price = {0x201f1e1d1c1b1a19},
                                           .qty = {0x2827262524232221},
                                           .executed = {0x302f2e2d2c2b2a29},
                                           .quote_qty = {0x3837363534333231},
                                           .quote_executed = {0x403f3e3d3c3b3a39},
                                           .stop_price = {0x4847464544434241},
                                           .iceberg_qty = {0x504f4e4d4c4b4a49},
                                           .prevented = {0x5857565554535251},
                                           .strategy_id = 0x605f5e5d5c5b5a59,
                                           .trailing_delta = 0x64636261,
                                           .strategy_type = 0x68676665,
                                           .account = 0x6c6b6a69,
                                           .market = 0x6e6d,
                                           .side = 0x6f,
                                           .type = 0x70,
                                           .time_in_force = 0x71,
                                           .self_trade = 0x72,
                                           .status = 0x73,
                                           .reason = 0x74,
                                           .flags = 0x75};
    fill(message.client_id, 36, 0x76);
    ROUND_TRIP(order_repeated, event, 314, "ORDER_REPEATED",
               "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
               "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
               "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
               "6162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80"
               "8182838485868788898a8b8c8d8e8f90919293949596979899");
}
