#include "gateway/reply_opening.h"

void reply_opening(struct writer *json, const struct view *view, uint32_t account)
{
    const struct view_account *owner = view_account(view, account);
    ASSERT(owner != NULL);
    writer_object(json);
    writer_key_u64(json, "account", account);
    writer_key(json, "publicKey");
    writer_hex(json, owner->public_key, sizeof(owner->public_key));
    writer_key_string(json, "status",
                      owner->pending  ? "PENDING"
                      : owner->frozen ? "FROZEN"
                                      : "OPEN");
    writer_object_end(json);
}
