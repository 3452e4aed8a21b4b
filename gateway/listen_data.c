/* Listen keys over REST: POST, PUT and DELETE /api/v3/userDataStream. */

#include "gateway/listen_key.h"
#include "gateway/request.h"
#include "gateway/route.h"
#include "gateway/user_stream.h"

static enum outcome answer_nothing(struct request *request)
{
    writer_object(&request->json);
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome listen_data_start(struct request *request, const struct facts *facts)
{
    uint8_t random[LISTEN_KEY_LETTERS];
    char key[LISTEN_KEY_LETTERS];
    randombytes_buf(random, sizeof(random));
    listen_key_take(user_stream_keys(facts->users), request->account, request->now_ns,
                    view_command(facts->view), random, key);
    writer_object(&request->json);
    writer_key_text(&request->json, "listenKey", key, sizeof(key));
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome listen_data_extend(struct request *request, const struct facts *facts)
{
    const struct form_field *key = form_find(request->form, "listenKey");
    if (key == NULL) return request_refuse(request, REJECT_MANDATORY, "listenKey", NULL);
    if (!listen_key_extend(user_stream_keys(facts->users), request->account, key->value,
                           key->value_bytes, request->now_ns))
        return request_refuse(request, REJECT_LISTEN_KEY, NULL, NULL);
    return answer_nothing(request);
}

enum outcome listen_data_end(struct request *request, const struct facts *facts)
{
    const struct form_field *key = form_find(request->form, "listenKey");
    if (key == NULL) return request_refuse(request, REJECT_MANDATORY, "listenKey", NULL);
    if (!listen_key_end(user_stream_keys(facts->users), request->account, key->value,
                        key->value_bytes, request->now_ns))
        return request_refuse(request, REJECT_LISTEN_KEY, NULL, NULL);
    return answer_nothing(request);
}
