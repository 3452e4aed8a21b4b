#include "gateway/dispatch_h2o.h"

#include "gateway/answer_h2o.h"
#include "gateway/route.h"
#include "gateway/web.h"

static void send_page(struct exchange *exchange, const struct web_file *file)
{
    answer_header(exchange->h2o, "content-security-policy", "Content-Security-Policy",
                  WEB_SECURITY_POLICY, sizeof(WEB_SECURITY_POLICY) - 1);
    answer_header(exchange->h2o, "x-content-type-options", "X-Content-Type-Options",
                  H2O_STRLIT("nosniff"));
    desk_send(&exchange->question, 200, file->content_type, (const char *)file->bytes,
              file->byte_count);
}

/* A browser asks this way whether a page of another origin may send what it is about to send. What is signed needs a
 * header that no page may send without leave. */
static void allow_origin(h2o_req_t *h2o)
{
    answer_header(h2o, "access-control-allow-methods", "Access-Control-Allow-Methods",
                  H2O_STRLIT("GET, HEAD, POST, PUT, DELETE"));
    answer_header(h2o, "access-control-allow-headers", "Access-Control-Allow-Headers",
                  H2O_STRLIT("Content-Type, X-MBX-APIKEY, X-MBX-TIME-UNIT"));
    answer_header(h2o, "access-control-max-age", "Access-Control-Max-Age", H2O_STRLIT("86400"));
}

static void send_options(struct exchange *exchange)
{
    h2o_req_t *h2o = exchange->h2o;
    answer_header(h2o, "allow", "Allow", H2O_STRLIT("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
    if (answer_origin_is_listed(exchange)) allow_origin(h2o);
    desk_send(&exchange->question, 204, "application/json;charset=UTF-8", NULL, 0);
}

static void answer_unrouted(struct exchange *exchange, bool path_exists)
{
    struct desk_question *question = &exchange->question;
    const struct request *request = &question->request;
    const h2o_iovec_t *method = &exchange->h2o->method;
    const struct web_file *file = NULL;
    if (!desk_charge(question, 1)) return;
    if (request->method == METHOD_GET) file = web_find(request->path, request->path_bytes);
    if (file != NULL)
        send_page(exchange, file);
    else if (h2o_memis(method->base, method->len, H2O_STRLIT("OPTIONS")))
        send_options(exchange);
    else
        desk_refuse(question, path_exists ? REJECT_METHOD : REJECT_NO_ROUTE);
}

void dispatch_request(struct exchange *exchange)
{
    struct request *request = &exchange->question.request;
    bool path_exists = false;
    request->route = route_find(request->method, request->path, request->path_bytes,
                                &request->path_value, &path_exists);
    if (request->route != NULL)
        desk_take(&exchange->question);
    else
        answer_unrouted(exchange, path_exists);
}
