#include "common/intent_opening.h"

#include "tests/harness.h"
#include "tests/unit/common/world.h"

#define KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CHAIN "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static struct params params;
static struct form form;
static struct intent intent;
static struct refusal refusal;

static const char *result(bool is_good)
{
    static char line[64];
    if (is_good) return "ok";
    snprintf(line, sizeof(line), "%d %s", reject_code(refusal.reject), refusal.first);
    return line;
}

/* "ok", or the code as a client sees it, and what it names. */
static const char *open_account(const char *text)
{
    assert_true(form_parse(&form, text, strlen(text), NULL, 0));
    return result(intent_opening_open(&form, &intent, &refusal));
}

static const char *operate(const char *text)
{
    world_params(&params);
    assert_true(form_parse(&form, text, strlen(text), NULL, 0));
    return result(intent_admin(&form, &params, &intent, &refusal));
}

TEST(intent_opening, names_the_key_and_the_chain)
{
    assert_string_equal(open_account("action=account-open&publicKey=" KEY "&chainId=" CHAIN), "ok");
    assert_int_equal(intent.type, T_ACCOUNT_OPEN);
    assert_int_equal(intent.account_open.public_key[1], 0x11);
    assert_int_equal(intent.account_open.chain_id[1], 0xee);
    assert_string_equal(open_account("publicKey=" KEY "&chainId=" CHAIN), "-1102 action");
    assert_string_equal(open_account("action=key-create&publicKey=" KEY "&chainId=" CHAIN),
                        "-1130 action");
    assert_string_equal(open_account("action=account-open&chainId=" CHAIN), "-1102 publicKey");
    assert_string_equal(open_account("action=account-open&publicKey=" KEY), "-1102 chainId");
    assert_string_equal(open_account("action=account-open&publicKey=12&chainId=" CHAIN),
                        "-1100 publicKey");
    assert_string_equal(open_account("action=account-open&publicKey=" KEY "&chainId=12"),
                        "-1100 chainId");
}

TEST(intent_opening, operators_say_how_many_and_who)
{
    assert_string_equal(operate("action=opening-set&nonce=3&perHour=60&approval=true"), "ok");
    assert_int_equal(intent.type, T_OPENING_SET);
    assert_int_equal(intent.opening_set.nonce, 3);
    assert_int_equal(intent.opening_set.per_hour, 60);
    assert_int_equal(intent.opening_set.approval, 1);
    assert_string_equal(operate("action=opening-set&nonce=3&perHour=60&approval=yes"),
                        "-1130 approval");
    assert_string_equal(operate("action=opening-set&nonce=3&perHour=60"), "-1102 approval");
    assert_string_equal(operate("action=opening-set&nonce=3&approval=false"), "-1102 perHour");
    assert_string_equal(operate("action=account-approve&nonce=3&account=7"), "ok");
    assert_int_equal(intent.type, T_ACCOUNT_APPROVE);
    assert_int_equal(intent.account_approve.account, 7);
    assert_string_equal(operate("action=account-approve&nonce=3"), "-1102 account");
}
