#include "tests/model/dice_roll.h"

#include <stdio.h>

/* Mostly later than the account's last request. */
static uint64_t some_time(struct dice *dice, const struct model *model, uint32_t account)
{
    const uint64_t last_ns =
        account <= model->account_count ? model->accounts[account].key_time_ns : 0;
    if (slip(dice)) return last_ns;
    if (slip(dice)) return dice->stamp_ns + 60 * NS_PER_SEC + below(dice, 2);
    return (dice->stamp_ns > last_ns ? dice->stamp_ns : last_ns) + below(dice, 3);
}

static void some_ips(struct dice *dice, uint8_t *count, uint8_t *ranges)
{
    if (chance(dice, 70)) return;
    *count = (uint8_t)(1 + below(dice, 8));
    for (int i = 0; i < *count; i++) {
        ranges[17 * i] = (uint8_t)roll(dice);
        ranges[17 * i + 16] = (uint8_t)(8 + below(dice, 121));
    }
    if (slip(dice)) *count = (uint8_t)below(dice, 11);
    if (slip(dice)) ranges[16] = (uint8_t)roll(dice);
}

/* A key there is, mostly of this account; or none. */
static void some_key(struct dice *dice, const struct model *model, uint32_t *account,
                     uint8_t id[32])
{
    if (model->key_count == 0 || slip(dice)) {
        id[0] = 9; /* of no key */
        return;
    }
    const struct model_key *key = &model->keys[below(dice, model->key_count)];
    memcpy(id, key->id, 32);
    /* One that the engine does not know is only ever its owner's to name: settlement stops at any other. */
    if (key->account == 0 || !slip(dice)) *account = key->owner;
}

static void put_create(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct key_create_command ask = {.account = some_account(dice)};
    ask.time_ns = some_time(dice, model, ask.account);
    ask.permissions = (uint16_t)(chance(dice, 60) ? KEY_READ | KEY_TRADE : 1 + below(dice, 7));
    if (slip(dice)) ask.permissions = (uint16_t)below(dice, 10);
    ask.public_key[0] = (uint8_t)(1 + below(dice, 5));
    if (slip(dice)) ask.public_key[0] = 0;
    if (slip(dice)) ask.secret_version = (uint16_t)below(dice, 3);
    some_ips(dice, &ask.ip_count, ask.ips);
    PUT(KEY_CREATE, key_create, &ask);
}

void dice_sign_text(struct dice *dice, const struct model *model, struct trial_command *command,
                    const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    char text[128];
    const size_t head_bytes = PUBLIC_KEY_BYTES + SIGNATURE_BYTES;
    /* One throw after the other: compilers differ in which argument they take first. */
    const char *before = chance(dice, 50) ? "timestamp=7&" : "";
    const char *name = slip(dice) ? "chain=" : "chainId=";
    const char *behind = chance(dice, 50) ? "&nonce=1" : "";
    int length = snprintf(text, sizeof(text), "%s%s%s%s", before, name, model->chain_id, behind);
    if (slip(dice)) text[length - 1] = 'a';
    if (slip(dice)) length--;
    if ((size_t)command->byte_count + head_bytes + (size_t)length > sizeof(command->bytes)) return;
    memset(command->bytes + command->byte_count, 0, head_bytes);
    memcpy(command->bytes + command->byte_count, public_key, PUBLIC_KEY_BYTES);
    memcpy(command->bytes + command->byte_count + head_bytes, text, (size_t)length);
    const uint16_t auth_bytes = (uint16_t)(head_bytes + (size_t)length);
    command->byte_count = (uint16_t)(command->byte_count + auth_bytes);
    le_put_u32(command->bytes, command->byte_count);
    le_put_u16(command->bytes + 12, AUTH_ED25519);
    le_put_u16(command->bytes + 14, auth_bytes);
}

static void put_any(struct dice *dice, const struct model *model, struct trial_command *command)
{
    const uint32_t drawn = below(dice, 10);
    uint32_t account = some_account(dice);
    if (drawn < 4) {
        put_create(dice, model, command);
    } else if (drawn < 7) {
        struct key_limit_command ask = {.permissions = (uint16_t)(1 + below(dice, 7))};
        some_key(dice, model, &account, ask.key_id);
        ask.account = account;
        ask.time_ns = some_time(dice, model, account);
        if (slip(dice)) ask.permissions = (uint16_t)below(dice, 10);
        some_ips(dice, &ask.ip_count, ask.ips);
        PUT(KEY_LIMIT, key_limit, &ask);
    } else {
        struct key_remove_command ask = {0};
        some_key(dice, model, &account, ask.key_id);
        ask.account = account;
        ask.time_ns = some_time(dice, model, account);
        PUT(KEY_REMOVE, key_remove, &ask);
    }
}

void dice_put_key(struct dice *dice, const struct model *model, struct trial_command *command)
{
    static const uint8_t nobody[PUBLIC_KEY_BYTES];
    put_any(dice, model, command);
    if (model->params.rules >= 8) dice_sign_text(dice, model, command, nobody);
}

void dice_sign(struct dice *dice, const struct model *model, struct trial_command *command)
{
    const uint16_t type = le_get_u16(command->bytes + COMMAND_TYPE_OFFSET);
    if (type < T_ORDER_PLACE || model->key_count == 0 || !chance(dice, 10)) return;
    if ((size_t)command->byte_count + 32 > sizeof(command->bytes)) return;
    uint8_t *id = command->bytes + command->byte_count;
    memcpy(id, model->keys[below(dice, model->key_count)].id, 32);
    if (slip(dice)) id[31] ^= 1; /* of no key */
    if (chance(dice, 10) && model->account_count > 0)
        memcpy(id, model->accounts[1 + below(dice, model->account_count)].public_key, 32);
    command->byte_count = (uint16_t)(command->byte_count + 32);
    le_put_u32(command->bytes, command->byte_count);
    le_put_u16(command->bytes + 12, chance(dice, 70) ? AUTH_HMAC : AUTH_ED25519);
    le_put_u16(command->bytes + 14, 32);
}
