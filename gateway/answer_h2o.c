#include "gateway/answer_h2o.h"

#include "gateway/origin.h"

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

/* Weight, orders placed, when to come again. Clients look for the wallet's weight under another name. */
static void add_limit_headers(const struct exchange *exchange)
{
    static const char wallet[] = "/sapi/";
    h2o_req_t *h2o = exchange->h2o;
    const struct desk_answer *answer = &exchange->question.answer;
    const struct request *request = &exchange->question.request;
    if (request->path_bytes >= sizeof(wallet) - 1 &&
        memcmp(request->path, wallet, sizeof(wallet) - 1) == 0)
        answer_number_header(h2o, "x-sapi-used-ip-weight-1m", "X-SAPI-USED-IP-WEIGHT-1M",
                             answer->used_weight);
    answer_number_header(h2o, "x-mbx-used-weight", "X-MBX-USED-WEIGHT", answer->used_weight);
    answer_number_header(h2o, "x-mbx-used-weight-1m", "X-MBX-USED-WEIGHT-1M", answer->used_weight);
    if (answer->retry_after_s > 0)
        answer_number_header(h2o, "retry-after", "Retry-After", answer->retry_after_s);
    if (!answer->counts_orders) return;
    answer_number_header(h2o, "x-mbx-order-count-10s", "X-MBX-ORDER-COUNT-10S",
                         answer->orders_ten_seconds);
    answer_number_header(h2o, "x-mbx-order-count-1d", "X-MBX-ORDER-COUNT-1D", answer->orders_day);
}

bool answer_origin_is_listed(const struct exchange *exchange)
{
    const h2o_req_t *h2o = exchange->h2o;
    const ssize_t index = h2o_find_header_by_str(&h2o->headers, H2O_STRLIT("origin"), -1);
    if (index < 0) return false;
    const h2o_iovec_t *origin = &h2o->headers.entries[index].value;
    return origin_is_listed(exchange->server->options->origins, origin->base, origin->len);
}

/* Any page may read what anybody may read; the pages that the operator has named, every answer. No answer rests on what
 * a browser adds by itself, so none is for one origin alone. */
static void add_origin_headers(const struct exchange *exchange)
{
    h2o_req_t *h2o = exchange->h2o;
    const bool is_listed = answer_origin_is_listed(exchange);
    if (exchange->question.request.method == METHOD_GET || is_listed)
        answer_header(h2o, "access-control-allow-origin", "Access-Control-Allow-Origin",
                      H2O_STRLIT("*"));
    if (is_listed)
        answer_header(
            h2o, "access-control-expose-headers", "Access-Control-Expose-Headers",
            H2O_STRLIT("X-MBX-USED-WEIGHT, X-MBX-USED-WEIGHT-1M, X-SAPI-USED-IP-WEIGHT-1M, "
                       "X-MBX-ORDER-COUNT-10S, X-MBX-ORDER-COUNT-1D, Retry-After"));
}

static void count_answer(struct metrics *metrics, int http_status)
{
    metric_add(&metrics->http_requests_total, 1);
    if (http_status >= 400) metric_add(&metrics->http_errors_total, 1);
}

void answer_write(struct exchange *exchange)
{
    static h2o_generator_t generator = {NULL, NULL};
    const struct desk_answer *answer = &exchange->question.answer;
    h2o_req_t *h2o = exchange->h2o;
    const bool is_head = h2o_memis(h2o->method.base, h2o->method.len, H2O_STRLIT("HEAD"));

    if (answer->ends_connection) h2o->http1_is_persistent = 0;
    h2o->res.status = answer->http_status;
    h2o->res.reason = reason_of(answer->http_status);
    h2o->res.content_length = answer->byte_count;
    answer_header(h2o, "content-type", "Content-Type", answer->content_type,
                  strlen(answer->content_type));
    add_limit_headers(exchange);
    add_origin_headers(exchange);
    count_answer(exchange->server->options->metrics, answer->http_status);

    h2o_iovec_t body = {(char *)answer->bytes, answer->byte_count};
    h2o_start_response(h2o, &generator);
    h2o_send(h2o, &body, is_head || body.len == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}
