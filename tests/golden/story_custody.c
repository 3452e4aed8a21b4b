#include "tests/golden/story.h"

/* The value behind the word, 0 without it. */
static int64_t value_of(const struct story *story, char **words, const char *word)
{
    for (; words[0] != NULL; words++)
        if (story_is(words[0], word)) return story_number(story, words[1]);
    return 0;
}

static bool has_word(char **words, const char *word)
{
    for (; words[0] != NULL; words++)
        if (story_is(words[0], word)) return true;
    return false;
}

static void text_put(const struct story *story, uint8_t *field, size_t field_bytes,
                     const char *text)
{
    if (text == NULL || strlen(text) > field_bytes) story_unreadable(story, text);
    memset(field, 0, field_bytes);
    memcpy(field, text, strlen(text));
}

static uint16_t operator_of(const struct story *story, char **words)
{
    return (uint16_t)value_of(story, words, "operator");
}

/* route CHAIN ASSET [decimals N] [confirmations N] min N max N day N [above N] [approvals N] [delay S]
 * [connector N] [closed] */
static void do_route(struct story *story, char **words)
{
    struct route_set_command route = {
        .nonce = ++story->world.nonce,
        .operator_index = operator_of(story, words),
        .withdrawal_min = {value_of(story, words, "min")},
        .withdrawal_max = {value_of(story, words, "max")},
        .day_max = {value_of(story, words, "day")},
        .approval_above = {value_of(story, words, "above")},
        .confirmations = (uint32_t)value_of(story, words, "confirmations"),
        .address_delay_s = (uint32_t)value_of(story, words, "delay"),
        .connector = (uint16_t)value_of(story, words, "connector"),
        .decimals = (uint8_t)value_of(story, words, "decimals"),
        .approvals = (uint8_t)value_of(story, words, "approvals"),
        .status = has_word(words, "closed") ? ROUTE_CLOSED : ROUTE_OPEN,
    };
    text_put(story, route.chain, sizeof(route.chain), words[0]);
    route.asset = story_asset(story, words[1]);
    (void)world_route_set(&story->world, route);
}

/* connector KEY [operator N]: a key of that letter; none: no key at all */
static void do_connector(struct story *story, char **words)
{
    struct connector_add_command add = {.nonce = ++story->world.nonce,
                                        .operator_index = operator_of(story, words)};
    if (!story_is(words[0], "none")) text_put(story, add.public_key, 1, words[0]);
    (void)world_connector_add(&story->world, add);
}

/* address NAME CHAIN ADDRESS */
static void do_address(struct story *story, char **words)
{
    struct deposit_address_command given = {.nonce = ++story->world.nonce,
                                            .operator_index = operator_of(story, words),
                                            .account = story_account(story, words[0])};
    text_put(story, given.chain, sizeof(given.chain), words[1]);
    text_put(story, given.address, sizeof(given.address), words[2]);
    (void)world_deposit_address(&story->world, given);
}

/* shows CHAIN TX OUTPUT AMOUNT ASSET ADDRESS height N confirmations N: the amount in the chain's own unit */
static void do_show(struct story *story, char **words)
{
    struct deposit_report_command report = {
        .nonce = ++story->world.nonce,
        .operator_index = operator_of(story, words),
        .height = (uint64_t)value_of(story, words, "height"),
        .confirmations = (uint32_t)value_of(story, words, "confirmations"),
        .output = (uint32_t)story_number(story, words[2]),
        .asset = story_asset(story, words[4]),
    };
    text_put(story, report.chain, sizeof(report.chain), words[0]);
    text_put(story, report.txid, sizeof(report.txid), words[1]);
    text_put(story, report.address, sizeof(report.address), words[5]);
    le_put_u64(report.amount, (uint64_t)story_number(story, words[3]));
    (void)world_deposit_report(&story->world, report);
}

/* loses CHAIN TX OUTPUT */
static void do_lose(struct story *story, char **words)
{
    struct deposit_reorg_command reorg = {.nonce = ++story->world.nonce,
                                          .operator_index = operator_of(story, words),
                                          .output = (uint32_t)story_number(story, words[2])};
    text_put(story, reorg.chain, sizeof(reorg.chain), words[0]);
    text_put(story, reorg.txid, sizeof(reorg.txid), words[1]);
    (void)world_deposit_reorg(&story->world, reorg);
}

/* approves N AMOUNT ADDRESS */
static void do_approve(struct story *story, char **words)
{
    struct withdrawal_approve_command approve = {
        .nonce = ++story->world.nonce,
        .operator_index = operator_of(story, words),
        .withdrawal = (uint64_t)story_number(story, words[0]),
        .amount = {story_number(story, words[1])},
    };
    text_put(story, approve.address, sizeof(approve.address), words[2]);
    (void)world_withdrawal_approve(&story->world, approve);
}

/* says N broadcast|final|failed TX */
static void do_say(struct story *story, char **words)
{
    struct withdrawal_report_command report = {.nonce = ++story->world.nonce,
                                               .operator_index = operator_of(story, words),
                                               .withdrawal =
                                                   (uint64_t)story_number(story, words[0])};
    report.state = story_is(words[1], "broadcast") ? WITHDRAWAL_BROADCAST
                   : story_is(words[1], "final")   ? WITHDRAWAL_FINAL
                   : story_is(words[1], "failed")  ? WITHDRAWAL_FAILED
                                                   : WITHDRAWAL_HELD;
    text_put(story, report.txid, sizeof(report.txid), words[2]);
    (void)world_withdrawal_report(&story->world, report);
}

static void do_freeze(struct story *story, char **words, bool frozen)
{
    (void)world_account_freeze(
        &story->world, (struct account_freeze_command){.nonce = ++story->world.nonce,
                                                       .operator_index = operator_of(story, words),
                                                       .account = story_account(story, words[0]),
                                                       .frozen = frozen});
}

/* The account has its name before its events are told, unless there is one of this name or it is refused. */
static void do_open(struct story *story, char **words)
{
    struct account_open_command open = {{0}, {0}};
    story_open(story);
    const uint32_t next = engine_counts(story->world.engine).accounts + 1;
    text_put(story, open.public_key, sizeof(open.public_key), words[0]);
    if (next >= STORY_NAMES) story_unreadable(story, words[0]);
    if (world_account_open(&story->world, open) == 0)
        snprintf(story->names[next], sizeof(story->names[next]), "%s", words[0]);
}

static void do_openings(struct story *story, char **words)
{
    struct opening_set_command set = {.per_hour = (uint32_t)story_number(story, words[0])};
    story_open(story);
    set.nonce = ++story->world.nonce;
    set.approval = story_is(words[1], "approval");
    (void)world_opening_set(&story->world, set);
}

static void do_admit(struct story *story, char **words)
{
    struct account_approve_command approve = {.account = story_account(story, words[0])};
    approve.nonce = ++story->world.nonce;
    (void)world_account_approve(&story->world, approve);
}

bool story_custody(struct story *story, char **words)
{
    if (!story_is(words[0], "custody") || words[1] == NULL) return false;
    char **rest = words + 2;
    if (story_is(words[1], "rules"))
        (void)world_rules_set(&story->world, (struct rules_set_command){
                                                 .nonce = ++story->world.nonce,
                                                 .rules = (uint32_t)story_number(story, rest[0])});
    else if (story_is(words[1], "connector"))
        do_connector(story, rest);
    else if (story_is(words[1], "route"))
        do_route(story, rest);
    else if (story_is(words[1], "address"))
        do_address(story, rest);
    else if (story_is(words[1], "shows"))
        do_show(story, rest);
    else if (story_is(words[1], "loses"))
        do_lose(story, rest);
    else if (story_is(words[1], "freezes") || story_is(words[1], "frees"))
        do_freeze(story, rest, story_is(words[1], "freezes"));
    else if (story_is(words[1], "approves"))
        do_approve(story, rest);
    else if (story_is(words[1], "denies"))
        (void)world_withdrawal_deny(
            &story->world,
            (struct withdrawal_deny_command){.nonce = ++story->world.nonce,
                                             .withdrawal = (uint64_t)story_number(story, rest[0])});
    else if (story_is(words[1], "says"))
        do_say(story, rest);
    else if (story_is(words[1], "opens"))
        do_open(story, rest);
    else if (story_is(words[1], "openings"))
        do_openings(story, rest);
    else if (story_is(words[1], "admits"))
        do_admit(story, rest);
    else
        return false;
    return true;
}

void story_allow(struct story *story, char **words)
{
    struct address_allow_command allow = {.account = story_account(story, words[0]),
                                          .allowed = story_is(words[1], "allows")};
    text_put(story, allow.chain, sizeof(allow.chain), words[2]);
    text_put(story, allow.address, sizeof(allow.address), words[3]);
    (void)world_address_allow(&story->world, allow);
}

void story_withdraw(struct story *story, char **words)
{
    struct withdraw_command ask = {.account = story_account(story, words[0]),
                                   .amount = {story_number(story, words[2])}};
    ask.asset = story_asset(story, words[3]);
    text_put(story, ask.chain, sizeof(ask.chain), words[4]);
    text_put(story, ask.address, sizeof(ask.address), words[5]);
    if (!story_is(words[6], "as")) story_unreadable(story, words[6]);
    text_put(story, ask.client_id, sizeof(ask.client_id), words[7]);
    (void)world_withdraw(&story->world, ask);
}

/* NAME unwithdraws N */
void story_unwithdraw(struct story *story, char **words)
{
    (void)world_withdrawal_cancel(
        &story->world,
        (struct withdrawal_cancel_command){.withdrawal = (uint64_t)story_number(story, words[2]),
                                           .account = story_account(story, words[0])});
}
