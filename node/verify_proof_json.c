#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/proof_check.h"
#include "node/trusted.h"
#include "node/verify_proof.h"
#include "settlement/liability_proof.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status verify_proof_read(const char *path, uint8_t bytes[PROOF_BYTES_MAX], size_t *byte_count)
{
    char *text;
    size_t text_bytes;
    enum status status = file_read(path, &text, &text_bytes);
    if (status != STATUS_OK) return status;
    if (text_bytes > 0 && text[0] == '{') {
        json_t *root = json_loadb(text, text_bytes, 0, NULL);
        const char *hex = json_string_value(json_object_get(root, "proof"));
        *byte_count = hex != NULL ? strlen(hex) / 2 : 0;
        if (hex == NULL || *byte_count > PROOF_BYTES_MAX ||
            !hash_from_hex(hex, strlen(hex), bytes, *byte_count))
            status = STATUS_MALFORMED;
        json_decref(root);
    } else {
        *byte_count = text_bytes;
        if (text_bytes <= PROOF_BYTES_MAX)
            memcpy(bytes, text, text_bytes);
        else
            status = STATUS_MALFORMED;
    }
    free(text);
    return status;
}

bool verify_proof_validators(const char *path, struct validator_set *set)
{
    char *text;
    size_t text_bytes;
    if (path == NULL) return true;
    if (file_read(path, &text, &text_bytes) != STATUS_OK) return false;
    const bool read = trusted_set(text, text_bytes, set);
    free(text);
    return read;
}

static void print_hex(const char *name, const uint8_t *bytes, size_t byte_count)
{
    char text[2 * HASH_BYTES + 1];
    hash_hex(bytes, byte_count, text);
    printf("  %s %s\n", name, text);
}

void verify_proof_print_units(const char *name, __int128 value)
{
    char text[41];
    char *at = text + sizeof(text) - 1;
    const bool negative = value < 0;
    unsigned __int128 rest = negative ? -(unsigned __int128)value : (unsigned __int128)value;
    *at = '\0';
    do {
        *--at = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    printf(" %s %s%s", name, negative ? "-" : "", at);
}

static void print_account(const struct proof_account *account)
{
    print_hex("account of", account->public_key, PUBLIC_KEY_BYTES);
    for (uint16_t i = 0; i < account->count; i++)
        printf("  asset %u: available %ld, held %ld units\n", account->balances[i].asset,
               account->balances[i].available, account->balances[i].held);
    if (account->count == 0) puts("  no balance");
}

static void print_trade(const struct proof_trade *trade)
{
    const struct fill_event *fill = &trade->fill;
    printf("  market %u, trade %lu: %ld lots at %ld ticks, command %lu\n", fill->market,
           fill->trade_id, fill->qty.lots, fill->price.ticks, trade->command);
    printf("  maker: account %u, order %lu; taker: account %u, order %lu\n", fill->maker_account,
           fill->maker_order, fill->taker_account, fill->taker_order);
}

static void print_release(const struct proof_release *release)
{
    const struct withdrawal_moved_event *withdrawal = &release->withdrawal;
    printf("  withdrawal %lu of account %u, released: %ld units of asset %u go over %.*s to %.*s, "
           "and %ld are the fee, command %lu\n",
           withdrawal->withdrawal, withdrawal->account, withdrawal->paid.units, withdrawal->asset,
           CHAIN_BYTES, (const char *)withdrawal->chain, CHAIN_ADDRESS_BYTES,
           (const char *)withdrawal->address, withdrawal->fee.units, release->command);
}

static void print_opening(const struct liabilities_opening *opening)
{
    print_hex("leaves of", opening->public_key, PUBLIC_KEY_BYTES);
    printf("  asset %u: %u leaves,", opening->asset, opening->part_count);
    verify_proof_print_units("together", (__int128)liability_proof_amount(opening));
    puts(" units");
}

static void print_totals(const struct proof_totals *totals)
{
    for (uint32_t i = 0; i < totals->count; i++) {
        const struct proof_total *total = &totals->assets[i];
        printf("  asset %u:", total->asset);
        verify_proof_print_units("users", total->users);
        verify_proof_print_units("fees", total->fees);
        verify_proof_print_units("rounding", total->rounding);
        verify_proof_print_units("in flight", total->in_flight);
        verify_proof_print_units("external", total->external);
        if (totals->has_house) verify_proof_print_units("house", total->house);
        puts(" units");
    }
}

static void print_check(const struct proof_check *check)
{
    printf("right: block %lu, certified\n", check->header.height);
    if (check->kind == PROOF_ACCOUNT) print_account(&check->account);
    if (check->kind == PROOF_TRADE) print_trade(&check->trade);
    if (check->kind == PROOF_RELEASE) print_release(&check->release);
    if (check->kind == PROOF_TOTALS) print_totals(&check->totals);
    if (check->kind == PROOF_LIABILITY) print_opening(&check->opening);
}

static int cannot_tell(const char *what, const char *path)
{
    fprintf(stderr, "quorex verify: %s: %s\n", path, what);
    return 2;
}

int verify_proof(const struct verify_proof_options *options)
{
    static struct genesis genesis;
    static struct proof_check check;
    static uint8_t bytes[PROOF_BYTES_MAX];
    uint8_t key[PUBLIC_KEY_BYTES];
    const uint8_t *public_key = options->account != NULL ? key : NULL;
    size_t byte_count;
    if (genesis_read(options->genesis, &genesis) != STATUS_OK) return 2;
    struct validator_set set = genesis.validators;
    if (!verify_proof_validators(options->validators, &set))
        return cannot_tell("no validators can be read", options->validators);
    if (public_key != NULL &&
        !hash_from_hex(options->account, strlen(options->account), key, sizeof(key)))
        return cannot_tell("no public key of 64 hex digits", options->account);
    if (verify_proof_read(options->proof, bytes, &byte_count) != STATUS_OK)
        return cannot_tell("no proof can be read", options->proof);
    const char *fault =
        proof_check_fault(bytes, byte_count, genesis_chain_id(&genesis), &set, public_key, &check);
    if (fault != NULL) {
        printf("wrong: %s\n", fault);
        return 1;
    }
    print_check(&check);
    return 0;
}
