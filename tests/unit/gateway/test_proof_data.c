#include "common/le.h"
#include "common/proof.h"
#include "common/withdrawal_event.h"
#include "tests/unit/gateway/desk_fixture.h"

#define TIP       20u
#define CERTIFIED 18u

static uint8_t headers[TIP + 1][BLOCK_HEADER_BYTES];
static uint8_t subject[PROOF_SUBJECT_BYTES_MAX], bytes[PROOF_BYTES_MAX];
static uint32_t asked_account;
static uint64_t asked_height;
static bool damaged;

static enum status frame(enum proof_kind kind, size_t subject_bytes, uint64_t height,
                         struct proof_bytes *out)
{
    const struct proof proof = {.kind = kind,
                                .subject = subject,
                                .subject_bytes = subject_bytes,
                                .headers = headers[height],
                                .header_count = 1,
                                .certificate = (const uint8_t *)"certificate",
                                .certificate_bytes = 11};
    asked_height = height;
    if (damaged) return STATUS_DAMAGED;
    *out = (struct proof_bytes){bytes, proof_put(&proof, bytes)};
    return STATUS_OK;
}

static enum status give_account(void *context, uint32_t account, uint64_t height,
                                struct proof_bytes *out)
{
    (void)context;
    asked_account = account;
    if (height < 5) return STATUS_NOT_FOUND;
    struct proof_account proof = {.position = 3, .depth = 2, .count = 1};
    memset(proof.public_key, 0xab, PUBLIC_KEY_BYTES);
    proof.balances[0] = (struct proof_balance){1, 1234500000, 5};
    return frame(PROOF_ACCOUNT, proof_account_put(&proof, subject), height, out);
}

static enum status give_totals(void *context, uint64_t height, struct proof_bytes *out)
{
    (void)context;
    if (height < 5) return STATUS_NOT_FOUND;
    const __int128 large = (__int128)INT64_MAX * 10;
    struct proof_totals totals = {.count = 1, .has_house = true};
    totals.assets[0] = (struct proof_total){0, large, 3, 2, 0, 5, -large};
    return frame(PROOF_TOTALS, proof_totals_put(&totals, subject), height, out);
}

/* Trade n is in block n. */
static enum status give_trade_height(void *context, uint16_t market, uint64_t id, uint64_t *height)
{
    (void)context;
    *height = id;
    return market == 0 && id <= TIP ? STATUS_OK : STATUS_NOT_FOUND;
}

/* Account 2 makes, account 3 buys from it. */
static enum status give_trade(void *context, uint16_t market, uint64_t id, uint64_t height,
                              struct proof_bytes *out)
{
    (void)context;
    const struct fill_event fill = {.trade_id = id,
                                    .maker_order = 40,
                                    .taker_order = 41,
                                    .price = {700},
                                    .qty = {8},
                                    .maker_account = 2,
                                    .taker_account = 3,
                                    .market = market,
                                    .taker_side = BUY};
    struct proof_trade trade = {.index = 1};
    uint8_t *at = le_put_u32(le_put_u64(trade.leaf, 90), 4);
    struct event_writer writer = {.at = at, .end = trade.leaf + PROOF_FILL_BYTES};
    event_write_fill(&writer, &fill);
    return frame(PROOF_TRADE, proof_trade_put(&trade, subject), height, out);
}

/* Withdrawal n is approved in block n, as far as this node has it. */
static enum status give_release(void *context, uint64_t withdrawal, uint64_t height,
                                struct proof_bytes *out)
{
    (void)context;
    if (withdrawal == 2) return STATUS_NOT_FOUND;
    const struct withdrawal_moved_event changed = {
        .withdrawal = withdrawal, .block = height, .state = WITHDRAWAL_APPROVED};
    struct proof_release release = {.count = 1};
    uint8_t *at = le_put_u32(le_put_u64(release.leaf, 90), 4);
    struct event_writer writer = {.at = at, .end = release.leaf + PROOF_RELEASE_LEAF_MAX};
    withdrawal_event_write(&writer, PARAMS_RULES_CHARGES, &changed);
    release.leaf_bytes = (uint32_t)(writer.at - release.leaf);
    return frame(PROOF_RELEASE, proof_release_put(&release, subject), height, out);
}

static enum status give_liability(void *context, uint32_t account, uint16_t asset, uint64_t height,
                                  struct proof_bytes *out)
{
    (void)context;
    asked_account = account;
    if (height != 9 || asset != 1) return STATUS_NOT_FOUND;
    static struct liabilities_opening opening;
    opening = (struct liabilities_opening){.asset = asset, .part_count = 2};
    opening.head.height = height;
    opening.head.asset_count = 2;
    for (uint16_t i = 0; i < 2; i++)
        opening.head.assets[i] = (struct liabilities_row){.asset = i, .leaf_count = 16};
    memset(opening.public_key, 0xab, PUBLIC_KEY_BYTES);
    opening.parts[0] = (struct liabilities_part){.position = 7, .amount = 1234500000};
    opening.parts[1] = (struct liabilities_part){.position = 3, .amount = 5};
    return frame(PROOF_LIABILITY, liabilities_opening_put(&opening, subject), height, out);
}

static const struct proof_source source = {
    .liability = give_liability,
    .release = give_release,
    .account = give_account,
    .totals = give_totals,
    .trade_height = give_trade_height,
    .trade = give_trade,
};

static void begin(void)
{
    desk_open();
    damaged = false;
    desk_facts.proofs = &source;
    for (uint64_t height = 1; height <= TIP; height++) {
        uint8_t payload[BLOCK_SEALED_BYTES];
        struct block_sealed_notice sealed = {0};
        const struct block_header header = {.version = BLOCK_HEADER_VERSION,
                                            .height = height,
                                            .time_ns = FIXTURE_START_NS + height * DESK_MS_NS};
        block_header_encode(&header, headers[height]);
        memcpy(sealed.header, headers[height], BLOCK_HEADER_BYTES);
        block_sealed_notice_put(payload, &sealed);
        block_list_apply(&desk_blocks, T_BLOCK_SEALED, payload);
    }
    desk_blocks.certified_height = CERTIFIED;
}

static void answered(const char *path, const char *query, uint32_t account)
{
    assert_int_equal(desk_ask(METHOD_GET, path, query, account), OUTCOME_ANSWERED);
}

static void refused(const char *path, const char *query, uint32_t account, enum reject reject)
{
    assert_int_equal(desk_ask(METHOD_GET, path, query, account), OUTCOME_REFUSED);
    assert_int_equal(desk_request.refusal.reject, reject);
}

static void has(const char *text)
{
    if (strstr(desk_answer, text) == NULL) fail_msg("%s not in %s", text, desk_answer);
}

/* The newest certified block unless one is named; whose leaf, the signature says and no parameter. */
TEST(proof_data, account_is_that_of_the_signature_at_the_height_asked_for)
{
    begin();
    answered("/quorex/v1/proofs/account", "", 7);
    assert_int_equal(asked_account, 7);
    assert_int_equal(asked_height, CERTIFIED);
    has("\"height\":18,");
    has("\"position\":3,\"depth\":2,");
    has("\"publicKey\":\"abababab");
    has("\"free\":\"12.34500000\",\"locked\":\"0.00000005\"");
    has("\"proof\":\"51585046"); /* QXPF */
    answered("/quorex/v1/proofs/account", "height=6", 7);
    assert_int_equal(asked_height, 6);
}

TEST(proof_data, heights_that_cannot_be_proved_are_refused_by_name)
{
    begin();
    const char *const paths[] = {"/quorex/v1/proofs/account", "/quorex/v1/totals"};
    for (int i = 0; i < 2; i++) {
        refused(paths[i], "height=0", 7, REJECT_BLOCK_AHEAD);
        refused(paths[i], "height=21", 7, REJECT_BLOCK_AHEAD);
        refused(paths[i], "height=19", 7, REJECT_BLOCK_UNCERTIFIED);
        refused(paths[i], "height=4", 7, REJECT_NOT_PROVABLE);
        damaged = true;
        refused(paths[i], "height=9", 7, REJECT_CHAIN_UNREADABLE);
        damaged = false;
        desk_blocks.certified_height = 0;
        refused(paths[i], "", 7, REJECT_BLOCK_UNCERTIFIED);
        desk_blocks.certified_height = CERTIFIED;
        desk_facts.proofs = NULL;
        refused(paths[i], "", 7, REJECT_NOT_PROVABLE);
        desk_facts.proofs = &source;
    }
}

TEST(proof_data, totals_are_for_everybody_and_wider_than_an_amount)
{
    begin();
    answered("/quorex/v1/totals", "", 0);
    has("\"users\":\"922337203685.47758070\"");
    has("\"fees\":\"0.00000003\",\"rounding\":\"0.00000002\",\"inFlight\":\"0.00000000\"");
    has("\"external\":\"0.00000005\",\"house\":\"-922337203685.47758070\"");
}

/* Each side sees the trade as its own; nobody else sees whose it was. */
TEST(proof_data, receipt_is_for_its_two_sides_alone)
{
    char query[64];
    begin();
    snprintf(query, sizeof(query), "symbol=%s&id=9", desk_facts.params->markets[0].symbol);
    answered("/quorex/v1/proofs/trade", query, 2);
    has("\"id\":9,\"orderId\":40,\"priceTicks\":700,\"qtyLots\":8,\"isMaker\":true,\"isBuyer\":"
        "false");
    answered("/quorex/v1/proofs/trade", query, 3);
    has("\"orderId\":41,");
    has("\"isMaker\":false,\"isBuyer\":true");
    refused("/quorex/v1/proofs/trade", query, 4, REJECT_NO_SUCH_TRADE);
    snprintf(query, sizeof(query), "symbol=%s&id=99", desk_facts.params->markets[0].symbol);
    refused("/quorex/v1/proofs/trade", query, 2, REJECT_NO_SUCH_TRADE);
    snprintf(query, sizeof(query), "symbol=%s&id=19", desk_facts.params->markets[0].symbol);
    refused("/quorex/v1/proofs/trade", query, 2, REJECT_BLOCK_UNCERTIFIED);
    snprintf(query, sizeof(query), "symbol=%s", desk_facts.params->markets[0].symbol);
    refused("/quorex/v1/proofs/trade", query, 2, REJECT_MANDATORY);
}

static void put_withdrawal(uint64_t number, uint16_t asset, uint64_t block)
{
    const struct withdrawal_moved_event changed = {.withdrawal = number,
                                                   .block = block,
                                                   .amount = {5000},
                                                   .account = 2,
                                                   .asset = asset,
                                                   .state = block == 0 ? WITHDRAWAL_HELD
                                                                       : WITHDRAWAL_APPROVED,
                                                   .chain = "ETH",
                                                   .address = "a",
                                                   .client_id = "x"};
    withdrawal_event_write(&desk_events, PARAMS_RULES_RELEASE, &changed);
}

/* Only what a certified block approves, and to a connector only what is of its routes. */
TEST(proof_data, a_release_is_given_once_its_block_is_certified)
{
    static const uint8_t connector[PUBLIC_KEY_BYTES] = {0x5c};
    begin();
    desk_account(1);
    desk_account(2);
    struct route_changed_event route = {.withdrawal_min = {1},
                                        .withdrawal_max = {1000000000},
                                        .day_max = {1000000000},
                                        .confirmations = 3,
                                        .decimals = 18,
                                        .approvals = 2,
                                        .status = ROUTE_OPEN,
                                        .chain = "ETH"};
    const struct connector_added_event added = {.connector = PARAMS_CONNECTOR_FIRST,
                                                .public_key = {0x5c}};
    event_write_route_changed(&desk_events, &route);
    event_write_connector_added(&desk_events, &added);
    route.asset = 1;
    route.connector = PARAMS_CONNECTOR_FIRST;
    event_write_route_changed(&desk_events, &route);
    put_withdrawal(1, 0, CERTIFIED);
    put_withdrawal(2, 0, 1);
    put_withdrawal(3, 0, CERTIFIED + 1);
    put_withdrawal(4, 0, 0);
    put_withdrawal(5, 1, CERTIFIED);
    desk_apply();
    const char *path = "/quorex/v1/custody/release";
    answered(path, "withdrawal=1", 0);
    has("\"height\":18,");
    has("\"proof\":\"5158504601000500");
    has("\"withdrawal\":{\"id\":1,");
    has("\"status\":\"RELEASED\"");
    refused(path, "", 0, REJECT_MANDATORY);
    refused(path, "withdrawal=6", 0, REJECT_UNKNOWN_WITHDRAWAL);
    refused(path, "withdrawal=2", 0, REJECT_NOT_PROVABLE);
    refused(path, "withdrawal=3", 0, REJECT_NOT_CERTIFIED);
    refused(path, "withdrawal=4", 0, REJECT_WITHDRAWAL_STATE);
    desk_signer = connector;
    refused(path, "withdrawal=1", 0, REJECT_UNKNOWN_WITHDRAWAL);
    answered(path, "withdrawal=5", 0);
    desk_signer = NULL;
}

TEST(proof_data, leaves_are_opened_to_whoever_signs)
{
    const char *const path = "/quorex/v1/proofs/liability";
    char query[64], other[64];
    begin();
    snprintf(query, sizeof(query), "height=9&asset=%s", desk_facts.params->assets[1].symbol);
    snprintf(other, sizeof(other), "height=9&asset=%s", desk_facts.params->assets[0].symbol);
    answered(path, query, 7);
    assert_int_equal(asked_account, 7);
    has("\"account\":7,\"publicKey\":\"abababab");
    has("\"total\":\"12.34500005\",\"parts\":[{\"position\":7,\"amount\":1234500000,\"nonce\":\"");
    has("\"proof\":\"51585046");
    refused(path, other, 7, REJECT_NO_LIABILITIES);
    refused(path, "height=9", 7, REJECT_MANDATORY);
    refused(path, query + 9, 7, REJECT_MANDATORY);
    damaged = true;
    refused(path, query, 7, REJECT_CHAIN_UNREADABLE);
}
