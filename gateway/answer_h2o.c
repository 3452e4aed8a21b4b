#include "gateway/answer_h2o.h"

#include "gateway/exchange_h2o.h"

#include <string.h>

void answer_header(h2o_req_t *h2o, const char *name, const char *shown, const char *value,
                   size_t value_bytes)
{
    h2o_add_header_by_str(&h2o->pool, &h2o->res.headers, name, strlen(name), 0, shown, value,
                          value_bytes);
}

void answer_number_header(h2o_req_t *h2o, const char *name, const char *shown, uint64_t value)
{
    char *text = h2o_mem_alloc_pool(&h2o->pool, DECIMAL_TEXT_MAX);
    const size_t text_bytes = decimal_format((int64_t)value, 0, text);
    answer_header(h2o, name, shown, text, text_bytes);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 413:
        return "Payload Too Large";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 504:
        return "Gateway Timeout";
    default:
        return status >= 500 ? "Service Unavailable" : "Refused";
    }
}

static void add_weight_headers(struct exchange *exchange)
{
    struct server *server = exchange->server;
    const uint32_t used =
        quota_charge(&server->quota, exchange_address(exchange->h2o), 0, exchange->request.now_ns);
    answer_number_header(exchange->h2o, "x-mbx-used-weight", "X-MBX-USED-WEIGHT", used);
    answer_number_header(exchange->h2o, "x-mbx-used-weight-1m", "X-MBX-USED-WEIGHT-1M", used);
}

void answer_bytes(struct exchange *exchange, int status, const char *content_type,
                  const char *bytes, size_t byte_count)
{
    static h2o_generator_t generator = {NULL, NULL};
    struct server *server = exchange->server;
    h2o_req_t *h2o = exchange->h2o;
    const bool is_head = h2o_memis(h2o->method.base, h2o->method.len, H2O_STRLIT("HEAD"));

    h2o->res.status = status;
    h2o->res.reason = reason_of(status);
    h2o->res.content_length = byte_count;
    answer_header(h2o, "content-type", "Content-Type", content_type, strlen(content_type));
    add_weight_headers(exchange);
    if (exchange->request.method == METHOD_GET)
        answer_header(h2o, "access-control-allow-origin", "Access-Control-Allow-Origin",
                      H2O_STRLIT("*"));
    metric_add(&server->options->metrics->http_requests_total, 1);
    if (status >= 400) metric_add(&server->options->metrics->http_errors_total, 1);

    h2o_iovec_t body = {(char *)bytes, byte_count};
    h2o_start_response(h2o, &generator);
    h2o_send(h2o, &body, is_head || byte_count == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}

static void send_json(struct exchange *exchange, int status)
{
    const struct request *request = &exchange->request;
    const char *content_type =
        request->content_type != NULL ? request->content_type : "application/json;charset=UTF-8";
    answer_bytes(exchange, status, content_type, request->json.bytes, request->json.used);
}

void answer_refusal(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    writer_start_growing(&request->json, SERVER_ANSWER_MAX, exchange_grow, exchange->h2o);
    reply_refusal(&request->json, &request->refusal);
    request->content_type = NULL;
    send_json(exchange, reject_http_status(request->refusal.reject));
}

void answer_refuse(struct exchange *exchange, enum reject reject)
{
    exchange->request.refusal = refusal_of(reject, NULL, NULL);
    answer_refusal(exchange);
}

void answer_refuse_and_close(struct exchange *exchange, enum reject reject)
{
    exchange->h2o->http1_is_persistent = 0;
    answer_refuse(exchange, reject);
}

void answer_send(struct exchange *exchange)
{
    const struct request *request = &exchange->request;
    const struct proof_bytes *taken = &request->reading.bytes;
    if (request->json.overflow)
        answer_refuse(exchange, REJECT_UNKNOWN);
    else if (request->sends_taken)
        answer_bytes(exchange, request->http_status, request->content_type,
                     (const char *)taken->bytes, taken->byte_count);
    else
        send_json(exchange, request->http_status);
}
