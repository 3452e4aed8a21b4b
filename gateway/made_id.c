#include "gateway/made_id.h"

#include <string.h>

/* A step of SplitMix64: neighbouring numbers look nothing alike, and no two give the same. */
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

/* Eleven letters hold 64 bits (62^11 > 2^64): the first half alone tells commands apart. */
static void put_letters(uint64_t value, uint8_t *at)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (int index = 0; index < MADE_ID_LETTERS / 2; index++) {
        at[index] = (uint8_t)letters[value % (sizeof(letters) - 1)];
        value /= sizeof(letters) - 1;
    }
}

void made_id_cancel(uint64_t command, uint8_t client_id[36])
{
    const uint64_t first = mix(command);
    memset(client_id, 0, 36);
    put_letters(first, client_id);
    put_letters(mix(first), client_id + MADE_ID_LETTERS / 2);
}
