/* Clients: each sends one command at a time to a node that answers, waits for it there, and goes elsewhere when the
 * outcome is not known: a command is never sent again under the same ticket. */

#include "tests/sim/cluster.h"

#include "common/le.h"
#include "common/order_tag.h"
#include "common/reject.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_NS (4 * SECOND)
#define WAITING_MAX 16 /* commands that wait at one node's door */

/* ---- Commands ---- */

static void key_id_of(uint32_t account, uint8_t key_id[32])
{
    memset(key_id, 0x40, 32);
    key_id[0] = (uint8_t)account;
}

/* Puts a whole command at a node's door. */
static bool submit(struct node *node, uint16_t type, const uint8_t *payload, uint16_t auth_kind,
                   const uint8_t *auth, size_t auth_bytes, uint64_t ticket)
{
    uint8_t bytes[COMMAND_BYTES_MAX];
    struct command command;
    const size_t payload_bytes = message_payload_bytes(type);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes + auth_bytes),
        .type = type,
        .auth_kind = auth_kind,
        .auth_length = (uint16_t)auth_bytes,
        .ticket = ticket,
    };
    command_header_put(bytes, &header);
    uint8_t *at = le_put_bytes(bytes + COMMAND_HEADER_BYTES, payload, payload_bytes);
    le_put_bytes(at, auth, auth_bytes);
    const bool whole = command_decode(bytes, header.length, &command);
    ASSERT(whole);
    queue_add(&node->commands, 0, bytes, header.length);
    node->poke_ns = node->cluster->now_ns;
    return true;
}

static bool submit_operator(struct node *node, uint16_t type, const uint8_t *payload,
                            const char *text, uint64_t ticket)
{
    struct cluster *cluster = node->cluster;
    uint8_t auth[COMMAND_AUTH_MAX];
    char *signed_text = (char *)auth + 96;
    const int length =
        snprintf(signed_text, sizeof(auth) - 96, "%s&nonce=%" PRIu64, text, le_get_u64(payload));
    memcpy(auth, cluster->genesis.operators[0], 32);
    hash_sign(cluster->operator_secret, signed_text, (size_t)length, auth + 32);
    return submit(node, type, payload, AUTH_OPERATOR, auth, 96 + (size_t)length, ticket);
}

static bool submit_trade(struct node *node, uint16_t type, const uint8_t *payload, uint32_t account,
                         uint64_t ticket)
{
    uint8_t auth[32];
    key_id_of(account, auth);
    return submit(node, type, payload, AUTH_HMAC, auth, sizeof(auth), ticket);
}

/* Asks again for what may have been lost; now and then for another order by the same name. */
static void place_again(struct client *client, struct node *node, uint64_t ticket)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    struct order_submit_command order = client->once;
    order.qty.lots += cluster_below(node->cluster, 4) == 0;
    order_submit_command_put(payload, &order);
    submit_trade(node, T_ORDER_SUBMIT, payload, client->account, ticket);
}

/* The order under a name of its owner's, one in two so that it may be asked for again. */
static void place_named(struct client *client, struct node *node,
                        const struct order_place_command *order, uint64_t ticket)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX] = {0};
    struct order_submit_command named;
    order_place_command_put(payload, order);
    order_submit_command_get(payload, &named);
    named.flags = (uint8_t)cluster_below(node->cluster, 8);
    if ((named.flags & ORDER_TAG_ID) != 0) named.strategy_id = ticket;
    if ((named.flags & ORDER_TAG_TYPE) != 0) named.strategy_type = ORDER_TAG_TYPE_MIN;
    if ((named.flags & ORDER_TAG_IDEMPOTENT) != 0) client->once = named;
    order_submit_command_put(payload, &named);
    submit_trade(node, T_ORDER_SUBMIT, payload, client->account, ticket);
}

static void place(struct client *client, struct node *node, uint64_t ticket)
{
    struct cluster *cluster = node->cluster;
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const uint64_t how = cluster_below(cluster, 8);
    if (how == 0 && client->once.account != 0) return place_again(client, node, ticket);
    const uint64_t kind = cluster_below(cluster, 10);
    struct order_place_command order = {
        .price = {(int64_t)(900 + cluster_below(cluster, 200))},
        .qty = {(int64_t)(1 + cluster_below(cluster, 500))},
        .account = client->account,
        .side = cluster_below(cluster, 2) == 0 ? BUY : SELL,
        .type = LIMIT,
        .time_in_force = kind < 7   ? GTC
                         : kind < 9 ? IOC
                                    : FOK,
    };
    if (kind == 6) {
        order.type = STOP_LOSS_LIMIT;
        order.stop_price.ticks = order.price.ticks + (order.side == BUY ? 20 : -20);
    }
    snprintf((char *)order.client_id, sizeof(order.client_id), "t%" PRIu64, ticket);
    if (how < 3) return place_named(client, node, &order, ticket);
    order_place_command_put(payload, &order);
    submit_trade(node, T_ORDER_PLACE, payload, client->account, ticket);
}

static void trade(struct client *client, struct node *node, uint64_t ticket)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    if (cluster_below(node->cluster, 12) == 0) {
        const struct cancel_all_command cancel = {.account = client->account};
        cancel_all_command_put(payload, &cancel);
        submit_trade(node, T_CANCEL_ALL, payload, client->account, ticket);
    } else
        place(client, node, ticket);
}

/* The operator opens the accounts, one command after the other; then credits some and orders liabilities now and then. */
static void operate(struct node *node, uint64_t ticket)
{
    struct cluster *cluster = node->cluster;
    const uint32_t step = cluster->setup_done, account = step / 4 + 1;
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    char hex[65], text[512];
    if (account <= CLUSTER_ACCOUNTS && step % 4 == 0) {
        struct account_create_command create = {.nonce = ++cluster->nonce};
        memset(create.public_key, (int)account, 32);
        account_create_command_put(payload, &create);
        hash_hex(create.public_key, 32, hex);
        snprintf(text, sizeof(text), "action=account-create&publicKey=%s&tier=0", hex);
        submit_operator(node, T_ACCOUNT_CREATE, payload, text, ticket);
    } else if (account <= CLUSTER_ACCOUNTS && step % 4 == 1) {
        struct key_add_command add = {.nonce = ++cluster->nonce,
                                      .account = account,
                                      .permissions = KEY_READ | KEY_TRADE,
                                      .secret_version = 1};
        key_id_of(account, add.key_id);
        key_add_command_put(payload, &add);
        hash_hex(add.key_id, 32, hex);
        snprintf(text, sizeof(text),
                 "action=key-add&account=%u&keyId=%s&hmac=true&permissions=READ,TRADE", account,
                 hex);
        submit_operator(node, T_KEY_ADD, payload, text, ticket);
    } else if (account > CLUSTER_ACCOUNTS && ticket % 3 == 0) {
        const struct liabilities_order_command order = {.nonce = ++cluster->nonce};
        liabilities_order_command_put(payload, &order);
        submit_operator(node, T_LIABILITIES_ORDER, payload, "action=liabilities-order", ticket);
    } else {
        const bool setup = account <= CLUSTER_ACCOUNTS;
        const uint32_t to =
            setup ? account : 1 + (uint32_t)cluster_below(cluster, CLUSTER_ACCOUNTS);
        const uint16_t asset = setup ? (uint16_t)(step % 2) : (uint16_t)cluster_below(cluster, 2);
        const int64_t whole = setup ? (asset == 0 ? 1000 : 1000000) : 1;
        const struct credit_command credit = {.nonce = ++cluster->nonce,
                                              .account = to,
                                              .asset = asset,
                                              .amount = {whole * 100000000}};
        credit_command_put(payload, &credit);
        snprintf(text, sizeof(text), "action=credit&account=%u&asset=%s&amount=%" PRId64, to,
                 asset == 0 ? "BTC" : "USDT", whole);
        submit_operator(node, T_CREDIT, payload, text, ticket);
    }
}

/* ---- Clients ---- */

void clients_open(struct cluster *cluster)
{
    cluster->client_count = 2 + (uint32_t)cluster_below(cluster, CLUSTER_CLIENTS - 1);
    for (uint32_t i = 0; i < cluster->client_count; i++)
        cluster->clients[i] =
            (struct client){.account = i == 0 ? 0 : 1 + (i - 1) % CLUSTER_ACCOUNTS};
}

static struct node *some_open_node(struct cluster *cluster)
{
    struct node *open[CLUSTER_NODES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        struct node *node = &cluster->nodes[i];
        if (node->life == LIFE_UP && node->open && node->resign_ns == NEVER &&
            node->commands.count < WAITING_MAX && node_set_find(&cluster->set, node->id) != NULL)
            open[count++] = node;
    }
    return count == 0 ? NULL : open[cluster_below(cluster, count)];
}

static uint64_t pause_ns(struct cluster *cluster)
{
    return cluster_chance(cluster, 10) ? cluster_below(cluster, 2 * SECOND)
                                       : cluster_below(cluster, 300 * MS);
}

static uint64_t new_ticket(struct cluster *cluster)
{
    ASSERT(cluster->ticket_count + 1 < CLUSTER_TICKETS);
    cluster->tickets[++cluster->ticket_count].outcome = OUTCOME_WAITING;
    return cluster->ticket_count;
}

/* The outcome is not known: it may still be applied. */
static void give_up(struct cluster *cluster, struct client *client)
{
    cluster->tickets[client->ticket].outcome = OUTCOME_UNKNOWN;
    figures.unknown++;
    client->ticket = 0;
    client->next_ns = cluster->now_ns + pause_ns(cluster);
}

static void client_send(struct cluster *cluster, struct client *client)
{
    const bool setup = cluster->setup_done < 4 * CLUSTER_ACCOUNTS;
    client->next_ns = cluster->now_ns + pause_ns(cluster);
    if ((client->account != 0 && setup) || cluster->clients_rest) return;
    struct node *node = some_open_node(cluster);
    if (node == NULL) return;
    client->ticket = new_ticket(cluster);
    client->node = node->id;
    client->start = node->starts;
    client->deadline_ns = cluster->now_ns + PATIENCE_NS;
    cluster_trace(cluster, "send", client->ticket, node->id, client->account);
    if (client->account == 0)
        operate(node, client->ticket);
    else
        trade(client, node, client->ticket);
}

uint64_t clients_due(const struct cluster *cluster)
{
    uint64_t due = NEVER;
    for (uint32_t i = 0; i < cluster->client_count; i++) {
        const struct client *client = &cluster->clients[i];
        const uint64_t at = client->ticket != 0 ? client->deadline_ns : client->next_ns;
        if (at < due) due = at;
    }
    return due;
}

void clients_turn(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->client_count; i++) {
        struct client *client = &cluster->clients[i];
        if (client->ticket != 0 && client->deadline_ns <= cluster->now_ns)
            give_up(cluster, client);
        else if (client->ticket == 0 && client->next_ns <= cluster->now_ns)
            client_send(cluster, client);
    }
}

static void acknowledge(struct node *node, struct client *client, uint64_t number, bool is_void)
{
    struct cluster *cluster = node->cluster;
    if (is_void) { /* who waits goes on waiting for its next number, as at a gateway */
        if (node_set_find(&cluster->set, node->id) != NULL &&
            cluster->lost[node->id] < node->view_epoch)
            cluster_fail(cluster, "node %u: ticket %lu came to nothing, and its stream is open",
                         node->id, client->ticket);
        return;
    }
    cluster->tickets[client->ticket].outcome = OUTCOME_ACKNOWLEDGED;
    figures.acknowledged++;
    if (cluster->calm) node->acknowledges = true;
    cluster_trace(cluster, "acknowledged", client->ticket, node->id, number);
    if (number > cluster->acked_command) cluster->acked_command = number;
    const bool done =
        node->record_reject == REJECT_NONE || node->record_reject == REJECT_ALREADY_EXISTS;
    if (client->account == 0 && done && cluster->setup_done < 4 * CLUSTER_ACCOUNTS)
        cluster->setup_done++;
    client->ticket = 0;
    client->next_ns = cluster->now_ns + pause_ns(cluster);
}

void clients_applied(struct node *node, const struct command_header *header, uint64_t number,
                     bool is_void)
{
    struct cluster *cluster = node->cluster;
    if (header->origin != node->id || header->origin_epoch != node->view_epoch) return;
    for (uint32_t i = 0; i < cluster->client_count; i++) {
        struct client *client = &cluster->clients[i];
        if (client->ticket != 0 && client->ticket == header->ticket && client->node == node->id &&
            client->start == node->starts)
            acknowledge(node, client, number, is_void);
    }
}

void clients_lost(struct node *node)
{
    struct cluster *cluster = node->cluster;
    for (uint32_t i = 0; i < cluster->client_count; i++)
        if (cluster->clients[i].ticket != 0 && cluster->clients[i].node == node->id)
            give_up(cluster, &cluster->clients[i]);
}

bool clients_idle(const struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->client_count; i++)
        if (cluster->clients[i].ticket != 0) return false;
    return true;
}

bool clients_operate(struct cluster *cluster, uint16_t type, const uint8_t *payload,
                     const char *text)
{
    struct node *node = some_open_node(cluster);
    if (node == NULL || cluster->ticket_count + 2 > CLUSTER_TICKETS) return false;
    const uint64_t ticket = new_ticket(cluster);
    cluster->tickets[ticket].outcome = OUTCOME_UNKNOWN; /* nobody waits for it */
    return submit_operator(node, type, payload, text, ticket);
}
