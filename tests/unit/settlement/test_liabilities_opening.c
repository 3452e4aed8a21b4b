#include "settlement/liability_proof.h"

#include "common/log.h"
#include "tests/unit/settlement/liable.h"

static struct liable liable;
static struct liabilities_opening opening;

TEST(liabilities_opening, is_given_to_who_is_owed)
{
    liable_begin(&liable, world_new());
    const uint32_t poor = world_account(liable.world, 0);
    liable_publish(&liable, 4);
    const int64_t has = liable.world->available[poor][BTC] + liable.world->held[poor][BTC];
    assert_int_equal(liable_open(&liable, 1, BTC, &opening), STATUS_OK);
    assert_int_equal(opening.certificate_bytes, sizeof("votes"));
    assert_memory_equal(opening.certificate, "votes", sizeof("votes"));
    assert_int_equal(liable_open(&liable, poor, BTC, &opening),
                     has > 0 ? STATUS_OK : STATUS_NOT_FOUND);
    assert_int_equal(liable_open(&liable, 0, BTC, &opening), STATUS_NOT_FOUND);
    assert_int_equal(liable_open(&liable, 50, BTC, &opening), STATUS_NOT_FOUND);
    assert_int_equal(liable_open(&liable, UINT32_MAX, BTC, &opening), STATUS_NOT_FOUND);
    assert_int_equal(liable_open(&liable, 1, 2, &opening), STATUS_NOT_FOUND);
    assert_int_equal(liable_open(&liable, 1, UINT16_MAX, &opening), STATUS_NOT_FOUND);
    liable_end(&liable);
}

TEST(liabilities_opening, is_not_given_before_the_votes)
{
    liable_begin(&liable, world_new());
    liable_seal(&liable, 4);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    assert_int_equal(liable_open(&liable, 1, BTC, &opening), STATUS_NOT_FOUND);
    assert_int_equal(liable_finish(&liable), STATUS_OK);
    assert_int_equal(liable_open(&liable, 1, BTC, &opening), STATUS_OK);
    liable_end(&liable);
}

/* It is of what the account had at the height, whatever it has since. */
TEST(liabilities_opening, is_of_its_height)
{
    liable_begin(&liable, world_new());
    liable_publish(&liable, 4);
    const uint64_t height = liable.world->height;
    const int64_t had = liable.world->available[3][BTC] + liable.world->held[3][BTC];
    world_credit(liable.world, 3, BTC, 777);
    liable_seal(&liable, 5);
    liable.world->height = height;
    assert_int_equal(liable_open(&liable, 3, BTC, &opening), STATUS_OK);
    assert_true(liability_proof_amount(&opening) == (unsigned __int128)had);
    liable.world->height = height + 1;
    liable_end(&liable);
}

/* Whatever byte of the two files rots: what is given out leads to the root of its own head, or nothing is. */
TEST(liabilities_opening, of_rotten_files_proves_nothing_else)
{
    static const char *const suffixes[] = {"", ".index"};
    struct block_header header;
    log_set_level(LOG_ERROR + 1);
    liable_begin(&liable, world_new());
    liable_publish(&liable, 4);
    assert_true(block_header_decode(liable_header(&liable), &header));
    const hash_t hash = block_header_hash(liable_header(&liable));
    const hash_t root = liabilities_root(&liable.head);
    uint32_t refused = 0, given = 0;
    for (uint32_t which = 0; which < 2; which++) {
        char path[160];
        struct stat found;
        snprintf(path, sizeof(path), "%s/%lu%s", liable.files, liable.world->height,
                 suffixes[which]);
        const int file = open(path, O_RDWR);
        assert_int_equal(fstat(file, &found), 0);
        for (off_t at = 0; at < 3 * found.st_size; at++) {
            static const uint8_t flips[] = {0x40, 0x01, 0x11};
            uint8_t byte, changed;
            assert_int_equal(pread(file, &byte, 1, at / 3), 1);
            changed = byte ^ flips[at % 3];
            assert_int_equal(pwrite(file, &changed, 1, at / 3), 1);
            const enum status status = liable_open(&liable, 1, BTC, &opening);
            assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND ||
                        status == STATUS_DAMAGED);
            refused += status != STATUS_OK;
            const bool is_right = status == STATUS_OK &&
                                  liability_proof_fault(&opening, &header, hash, NULL) == NULL &&
                                  hash_equal(liabilities_root(&opening.head), root);
            given += is_right;
            assert_int_equal(pwrite(file, &byte, 1, at / 3), 1);
        }
        close(file);
    }
    assert_true(refused > 1500 && given > 600);
    liable_end(&liable);
}
