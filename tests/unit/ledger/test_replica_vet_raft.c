#include "ledger/peer_message.h"
#include "ledger/replica_state_raft.h"
#include "tests/unit/ledger/replicas.h"

/* Tickets say what is to be found: below LATE all is well, and every tenth needs a signature. */
enum {
    LATE = 140000,  /* not known before `judge.known` */
    LIE = 150000,   /* never known */
    FORM = 160000,  /* no command at all, says the judge */
    FORGED = 170000 /* a signature that is wrong */
};

#define QUESTIONS_MAX 256

/* Stands in for all members' vetters. */
static struct judge {
    struct cluster *cluster;
    struct {
        struct member *of;
        uint64_t at_ns;
        struct vetting_answer answer;
    } questions[QUESTIONS_MAX];
    uint32_t question_count, asked, busy_count;
    uint32_t runs_asked; /* of all kinds */
    uint32_t convicted;  /* times */
    uint32_t liar;       /* the last one */
    const char *what;
    uint64_t delay_ns;
    uint64_t settled; /* as all members are told */
    bool known, busy;
    uint64_t stands_ns; /* what is never known stands by stamps above; 0: never */
} judge;

static uint64_t judge_reached(void *context)
{
    const struct member *member = context;
    return judge.settled < member->command_count ? judge.settled : member->command_count;
}

static void ask_signature(struct member *member, const struct vetting_run *run, bool stands,
                          uint32_t offset)
{
    assert_true(judge.question_count < QUESTIONS_MAX);
    judge.asked++;
    judge.questions[judge.question_count].of = member;
    judge.questions[judge.question_count].at_ns = judge.cluster->now_ns + judge.delay_ns;
    judge.questions[judge.question_count++].answer =
        (struct vetting_answer){run->number, stands, {.what = "signature", .offset = offset}};
}

static enum vetting_result judge_ask(void *context, const struct vetting_run *run,
                                     struct vetting_fault *fault)
{
    const uint8_t *at = run->bytes, *const end = at + run->byte_count;
    bool needs = false, stands = true;
    uint32_t offset = 0;
    struct command command;
    judge.runs_asked++;
    if (judge.busy) {
        judge.busy_count++;
        return VETTING_BUSY;
    }
    for (const uint8_t *begin = at; at < end; begin = at) {
        assert_true(batch_next(&at, end, &command));
        const uint64_t ticket = command.header.ticket;
        *fault = (struct vetting_fault){.what = "key", .offset = (uint32_t)(begin - run->bytes)};
        if (ticket >= FORM && ticket < FORGED) return VETTING_FALSE;
        fault->stands_ns = judge.stands_ns;
        if (ticket >= LIE && ticket < FORM && fault->stands_ns != 0 &&
            run->stamp_ns > fault->stands_ns)
            continue;
        if (ticket >= LIE && ticket < FORM) return VETTING_LATE;
        if (ticket >= LATE && ticket < LIE && !judge.known) return VETTING_LATE;
        if (ticket >= FORGED && stands) {
            stands = false;
            offset = fault->offset;
        }
        needs |= ticket % 10 == 3 || ticket >= FORGED;
    }
    if (!needs) return VETTING_STANDS;
    ask_signature(context, run, stands, offset);
    return VETTING_ASKED;
}

static bool judge_answer(void *context, struct vetting_answer *answer)
{
    for (uint32_t i = 0; i < judge.question_count; i++) {
        if (judge.questions[i].of != context || judge.questions[i].at_ns > judge.cluster->now_ns)
            continue;
        *answer = judge.questions[i].answer;
        judge.questions[i] = judge.questions[--judge.question_count];
        return true;
    }
    return false;
}

static void judge_convict(void *context, const struct vetting_run *run,
                          const struct vetting_fault *fault)
{
    (void)context;
    const uint64_t ticket = le_get_u64(run->bytes + fault->offset + 40);
    assert_true(ticket >= LATE);
    judge.convicted++;
    judge.liar = run->node;
    judge.what = fault->what;
}

static const struct vetting vetting = {
    .reached = judge_reached, .ask = judge_ask, .answer = judge_answer, .convict = judge_convict};

static struct cluster *setup(void)
{
    struct cluster *cluster = cluster_new(4, 4);
    judge = (struct judge){.cluster = cluster, .delay_ns = 3 * MS, .settled = UINT64_MAX};
    cluster->vetting = &vetting;
    cluster_start(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    wanted = 0;
    return cluster;
}

static struct member *some_follower(struct cluster *cluster)
{
    return &cluster->members[cluster_leader(cluster)->node % 4];
}

static void submit_to(struct member *member, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, wanted++)
        assert_true(member_submit(member, wanted + 1));
}

static bool none_applied(struct cluster *cluster, uint64_t ticket)
{
    for (uint32_t i = 0; i < cluster->count; i++)
        if (member_times(&cluster->members[i], ticket) > 0) return false;
    return true;
}

/* Runs with signatures wait for their answer, and what their sender sent behind them waits with them: each is
 * applied once, in its order. */
TEST(replica_vet, what_waits_for_an_answer_is_not_overtaken)
{
    struct cluster *cluster = setup();
    struct member *sender = some_follower(cluster);
    for (uint32_t round = 0; round < 40; round++) {
        submit_to(sender, 7);
        cluster_run(cluster, round % 3);
    }
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    assert_true(judge.asked > 10);
    const struct member *leader = cluster_leader(cluster);
    for (uint32_t i = 0; i < wanted; i++)
        assert_int_equal(leader->tickets[i], i + 1);
    assert_int_equal(judge.convicted, 0);
    cluster_free(cluster);
}

/* The leader's own commands come from its own gateway: nobody is asked about them. */
TEST(replica_vet, a_leader_does_not_ask_about_its_own)
{
    struct cluster *cluster = setup();
    submit_to(cluster_leader(cluster), 50);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_int_equal(judge.asked, 0);
    cluster_free(cluster);
}

static bool is_convicted(struct cluster *cluster)
{
    (void)cluster;
    return judge.convicted > 0;
}

static uint64_t false_runs_shown(const struct member *leader, uint32_t node)
{
    for (uint32_t i = 0; i < PROGRESS_PEERS; i++)
        if (atomic_load(&leader->progress.peers[i].node) == node)
            return atomic_load(&leader->progress.peers[i].false_runs);
    return 0;
}

static void play_lie(uint64_t lie, const char *what)
{
    struct cluster *cluster = setup();
    struct member *leader = cluster_leader(cluster), *liar = some_follower(cluster);
    struct member *honest =
        &cluster
             ->members[liar->node % 4 == leader->node - 1 ? (liar->node + 1) % 4 : liar->node % 4];
    submit_to(liar, 3);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_true(member_submit(liar, lie));
    assert_true(member_submit(liar, 99999)); /* behind it: never next */
    assert_true(cluster_until(cluster, is_convicted, 3000));
    const uint64_t begin = cluster->now_ns;
    assert_int_equal(judge.liar, liar->node);
    assert_string_equal(judge.what, what);
    submit_to(honest, 30);
    submit_to(leader, 30);
    assert_true(cluster_until(cluster, all_applied, 2000));
    cluster_run(cluster, 9000 - (cluster->now_ns - begin) / MS);
    assert_int_equal(judge.convicted, 1); /* it has sent it again, several times */
    cluster_run(cluster, 12000);
    assert_true(judge.convicted >= 2 && judge.convicted <= 3);
    assert_int_equal(metric_get(&leader->metrics.false_runs_total), judge.convicted);
    assert_int_equal(false_runs_shown(leader, liar->node), judge.convicted);
    assert_int_equal(false_runs_shown(leader, honest->node), 0);
    assert_true(cluster_leader(cluster) == leader); /* its acknowledgements still count */
    assert_true(none_applied(cluster, lie) && none_applied(cluster, 99999));
    cluster_free(cluster);
}

/* A command that may never stand is not taken, nor anything behind it; its sender is named, and not heard for ten
 * seconds, and everybody else goes on. */
TEST(replica_vet, a_lie_is_not_taken_and_stops_nobody_else)
{
    play_lie(LIE + 5, "key");
}

TEST(replica_vet, bytes_that_are_no_command_are_a_lie)
{
    play_lie(FORM + 5, "key");
}

TEST(replica_vet, a_wrong_signature_is_a_lie)
{
    play_lie(FORGED + 5, "signature");
}

/* Who lied and starts again, and does not lie, is heard again. */
TEST(replica_vet, a_liar_that_mends_is_heard_again)
{
    struct cluster *cluster = setup();
    struct member *liar = some_follower(cluster);
    submit_to(liar, 3);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_true(member_submit(liar, LIE + 1));
    assert_true(cluster_until(cluster, is_convicted, 3000));
    member_stop(liar);
    member_start(liar);
    submit_to(liar, 5);
    assert_false(cluster_until(cluster, all_applied, 5000));
    assert_true(cluster_until(cluster, all_applied, 8000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* A key that the leader's settlement has not come to is no lie: the run waits, with what is behind it, until all is
 * settled that the log held when it came. */
TEST(replica_vet, what_is_not_known_yet_waits)
{
    struct cluster *cluster = setup();
    struct member *sender = some_follower(cluster);
    submit_to(sender, 3);
    assert_true(cluster_until(cluster, all_applied, 3000));
    judge.settled = 1;
    assert_true(member_submit(sender, LATE + 1));
    assert_true(member_submit(sender, 4));
    cluster_run(cluster, 5000);
    assert_int_equal(judge.convicted, 0);
    assert_true(none_applied(cluster, LATE + 1) && none_applied(cluster, 4));
    judge.known = true;
    judge.settled = UINT64_MAX;
    wanted = 5;
    assert_true(cluster_until(cluster, all_applied, 200));
    assert_int_equal(cluster_leader(cluster)->tickets[3], LATE + 1);
    assert_int_equal(cluster_leader(cluster)->tickets[4], 4);
    assert_int_equal(judge.convicted, 0);
    cluster_free(cluster);
}

/* When all that is settled and it is still not known, it is a lie; not a command earlier. */
TEST(replica_vet, what_is_not_known_when_all_is_settled_is_a_lie)
{
    struct cluster *cluster = setup();
    struct member *leader = cluster_leader(cluster), *sender = some_follower(cluster);
    submit_to(sender, 3);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_run(cluster, 50);
    judge.settled = leader->command_count - 1;
    assert_true(member_submit(sender, LATE + 1));
    cluster_run(cluster, 3000);
    assert_int_equal(judge.convicted, 0);
    judge.settled = UINT64_MAX;
    assert_true(cluster_until(cluster, is_convicted, 100));
    assert_true(none_applied(cluster, LATE + 1));
    cluster_free(cluster);
}

/* What will stand by itself before long is waited for, though all is settled; nothing overtakes it, and nobody lied. Nor is
 * anybody asked about it more often than when it comes, when all is settled and when it stands, however often its sender, who
 * hears nothing, sends its stream again. */
TEST(replica_vet, what_will_stand_is_waited_for)
{
    struct cluster *cluster = setup();
    struct member *sender = some_follower(cluster);
    submit_to(sender, 3);
    assert_true(cluster_until(cluster, all_applied, 3000));
    judge.stands_ns = cluster_leader(cluster)->stamp_ns + 20000 * MS;
    judge.runs_asked = 0;
    assert_true(member_submit(sender, LIE + 1));
    assert_true(member_submit(sender, 4));
    cluster_run(cluster, 10000);
    assert_true(member_submit(sender, 5)); /* what was sent again was shorter */
    cluster_run(cluster, 5000);
    assert_int_equal(judge.runs_asked, 2);
    assert_true(none_applied(cluster, LIE + 1) && none_applied(cluster, 4));
    wanted = 6;
    assert_true(cluster_until(cluster, all_applied, 10000));
    assert_int_equal(cluster_leader(cluster)->tickets[3], LIE + 1);
    assert_int_equal(cluster_leader(cluster)->tickets[4], 4);
    assert_int_equal(cluster_leader(cluster)->tickets[5], 5);
    assert_true(judge.runs_asked <=
                5); /* and one each about 4 and 5, if they were not sent with it */
    assert_int_equal(judge.convicted, 0);
    cluster_free(cluster);
}

static enum vetting_result always_busy(void *context, const struct vetting_run *run,
                                       struct vetting_fault *fault)
{
    (void)context, (void)run, (void)fault;
    return VETTING_BUSY;
}

/* Of what waits nothing is kept twice, and what is new is: commands behind it, a HELLO, and the next epoch's, whose numbers
 * begin anew. */
TEST(replica_vet, what_waits_is_not_kept_twice)
{
    static const struct {
        struct peer_forward forward; /* count, epoch, first sequence */
        bool is_new;
    } sent[] = {
        {{3, 7, 1, NULL, 0}, true},  {{3, 7, 1, NULL, 0}, false}, {{2, 7, 1, NULL, 0}, false},
        {{1, 7, 3, NULL, 0}, false}, {{3, 7, 2, NULL, 0}, true},  {{4, 7, 1, NULL, 0}, false},
        {{1, 8, 1, NULL, 0}, true},  {{1, 0, 0, NULL, 0}, true},  {{1, 0, 0, NULL, 0}, true},
        {{1, 9, 1, NULL, 0}, true},  {{1, 9, 1, NULL, 0}, false}, {{1, 9, 2, NULL, 0}, true},
    };
    static const uint8_t run[100];
    struct replica *replica = calloc(1, sizeof(*replica));
    struct replica_peer *peer = &replica->peers[0];
    peer->node = 2;
    replica->options.world.vetting.ask = always_busy;
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        struct peer_forward forward = sent[i].forward;
        const size_t before = run_queue_bytes(&peer->vet.waiting);
        forward.run = run;
        forward.run_bytes = sizeof(run);
        replica_vet_take(replica, peer, &forward);
        const size_t kept = run_queue_bytes(&peer->vet.waiting) - before;
        assert_int_equal(kept, sent[i].is_new ? sizeof(run) + 4 : 0);
    }
    replica_vet_clear(peer);
    assert_int_equal(run_queue_bytes(&peer->vet.waiting), 0);
    replica_vet_take(replica, peer, &(struct peer_forward){1, 9, 1, run, sizeof(run)});
    assert_int_equal(run_queue_bytes(&peer->vet.waiting), sizeof(run) + 4); /* nothing waited */
    replica_vet_free(peer);
    free(replica);
}

/* While there is no room for questions nothing is lost: they are asked again. */
TEST(replica_vet, a_busy_vetter_is_asked_again)
{
    struct cluster *cluster = setup();
    struct member *sender = some_follower(cluster);
    submit_to(sender, 3);
    assert_true(cluster_until(cluster, all_applied, 3000));
    judge.busy = true;
    submit_to(sender, 20);
    cluster_run(cluster, 500);
    assert_true(judge.busy_count > 100); /* each millisecond */
    assert_int_equal(cluster_leader(cluster)->ticket_count, 3);
    judge.busy = false;
    assert_true(cluster_until(cluster, all_applied, 100));
    assert_once(cluster);
    cluster_free(cluster);
}

/* An answer to a question from before a link broke is nobody's: it frees nothing that came since. */
TEST(replica_vet, an_answer_that_comes_too_late_is_nobodys)
{
    struct cluster *cluster = setup();
    struct member *leader = cluster_leader(cluster), *sender = some_follower(cluster);
    submit_to(sender, 2);
    assert_true(cluster_until(cluster, all_applied, 3000));
    judge.delay_ns = 300 * MS;
    submit_to(sender, 1); /* ticket 3 needs a signature */
    cluster_run(cluster, 50);
    assert_int_equal(judge.asked, 1);
    cluster_cut(cluster, leader->node - 1, sender->node - 1, true);
    cluster_run(cluster, 10);
    cluster_cut(cluster, leader->node - 1, sender->node - 1, false);
    cluster_run(cluster, 100);
    assert_int_equal(judge.asked, 2);
    judge.questions[1].at_ns += 1000 * MS; /* the second answer is a long time coming */
    cluster_run(cluster, 500);
    assert_int_equal(leader->ticket_count, 2);
    assert_true(cluster_until(cluster, all_applied, 2000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* Signatures under way, links that break, leaders that die: nothing is lost, doubled, or taken for a lie. */
TEST(replica_vet, nothing_is_lost_or_doubled_in_turmoil)
{
    struct cluster *cluster = setup();
    struct member dice = {.cluster = cluster};
    for (uint32_t round = 0; round < 60; round++) {
        submit_some(cluster, 20);
        judge.busy = round % 7 == 5;
        const uint32_t from = (uint32_t)(cluster_random(&dice) % 4);
        const uint32_t to = (from + 1 + (uint32_t)(cluster_random(&dice) % 3)) % 4;
        cluster_run(cluster, cluster_random(&dice) % 20);
        cluster_cut(cluster, from, to, true);
        cluster_run(cluster, cluster_random(&dice) % 60);
        cluster_cut(cluster, from, to, false);
        if (round % 20 != 19 || cluster_leader(cluster) == NULL) continue;
        cluster_isolate(cluster, cluster_leader(cluster)->node - 1, true);
        cluster_run(cluster, 1500);
        for (uint32_t i = 0; i < 4; i++)
            cluster_isolate(cluster, i, false);
    }
    judge.busy = false;
    assert_true(cluster_until(cluster, all_applied, 20000));
    assert_once(cluster);
    assert_int_equal(judge.convicted, 0);
    cluster_free(cluster);
}
