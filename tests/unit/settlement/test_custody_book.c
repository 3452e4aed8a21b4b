#include "settlement/custody_book.h"

#include "common/arena.h"
#include "tests/harness.h"

static struct params params;
static struct arena arena;

static struct custody_book *open_book(void)
{
    params = (struct params){.accounts_max = 4, .assets_max = 2, .orders_max = 3};
    assert_true(arena_map(&arena, custody_book_bytes(&params)));
    struct custody_book *book = custody_book_new(&arena, &params);
    assert_non_null(book);
    return book;
}

static struct deposit_changed_event deposit_of(uint64_t number)
{
    return (struct deposit_changed_event){
        .deposit = number, .chain = "ETH", .txid = {(uint8_t)number}};
}

/* The ring keeps three; who is put out is not found any more, by key or by number's place. */
TEST(custody_book, the_oldest_deposit_is_put_out)
{
    struct custody_book *book = open_book();
    for (uint64_t number = 1; number <= 5; number++) {
        const struct deposit_changed_event deposit = deposit_of(number);
        const struct deposit_changed_event *out = custody_book_deposit_put_out(book);
        if (number <= 3)
            assert_null(out);
        else
            assert_int_equal(out->deposit, number - 3);
        custody_book_add_deposit(book, &deposit);
    }
    const struct custody_span span = custody_book_deposits(book);
    assert_int_equal(span.last, 5);
    assert_int_equal(span.count, 3);
    for (uint64_t number = 1; number <= 5; number++) {
        const struct deposit_changed_event deposit = deposit_of(number);
        const struct deposit_changed_event *found =
            custody_book_deposit(book, deposit.chain, deposit.txid, 0);
        assert_int_equal(found != NULL, number > 2);
        assert_null(custody_book_deposit(book, deposit.chain, deposit.txid, 1));
    }
    arena_unmap(&arena);
}

TEST(custody_book, withdrawals_are_found_by_name_and_number)
{
    struct custody_book *book = open_book();
    for (uint64_t number = 1; number <= 4; number++) {
        const struct custody_withdrawal withdrawal = {
            .facts = {.withdrawal = number, .account = 2, .client_id = {(uint8_t)number}}};
        custody_book_add_withdrawal(book, &withdrawal);
    }
    const uint8_t first[36] = {1}, last[36] = {4};
    assert_null(custody_book_withdrawal_of(book, 2, first));
    assert_null(custody_book_withdrawal(book, 1));
    assert_null(custody_book_withdrawal(book, 5));
    assert_null(custody_book_withdrawal_of(book, 1, last));
    assert_int_equal(custody_book_withdrawal_of(book, 2, last)->facts.withdrawal, 4);
    assert_int_equal(custody_book_withdrawal(book, 2)->facts.withdrawal, 2);
    arena_unmap(&arena);
}

/* Two accounts may have one address to withdraw to; one to deposit to is one account's. */
TEST(custody_book, addresses_are_found_by_kind_and_owner)
{
    struct custody_book *book = open_book();
    struct address_changed_event address = {
        .account = 1, .kind = ADDRESS_DEPOSIT, .chain = "ETH", .address = "a"};
    assert_true(custody_book_add_address(book, &address));
    address.kind = ADDRESS_WITHDRAWAL;
    assert_true(custody_book_add_address(book, &address));
    const uint8_t *chain = address.chain, *text = address.address;
    assert_int_equal(custody_book_address(book, ADDRESS_DEPOSIT, 0, chain, text)->account, 1);
    assert_non_null(custody_book_address(book, ADDRESS_WITHDRAWAL, 1, chain, text));
    assert_null(custody_book_address(book, ADDRESS_WITHDRAWAL, 2, chain, text));
    assert_int_equal(custody_book_address_count(book), 2);
    arena_unmap(&arena);
}

TEST(custody_book, a_day_is_counted_by_itself)
{
    struct custody_book *book = open_book();
    custody_book_add_withdrawn(book, 1, 1, 7, (amount_t){5});
    custody_book_add_withdrawn(book, 1, 1, 7, (amount_t){6});
    assert_int_equal(custody_book_withdrawn(book, 1, 1, 7), 11);
    assert_int_equal(custody_book_withdrawn(book, 1, 0, 7), 0);
    custody_book_add_withdrawn(book, 1, 1, 8, (amount_t){1});
    assert_int_equal(custody_book_withdrawn(book, 1, 1, 8), 1);
    arena_unmap(&arena);
}
