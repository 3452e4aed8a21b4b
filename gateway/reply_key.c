#include "gateway/reply_key.h"

#include "common/messages.h"

static void put_permissions(struct writer *json, uint16_t permissions)
{
    static const char *const names[] = {"READ", "TRADE", "WITHDRAW"};
    static const uint16_t bits[] = {KEY_READ, KEY_TRADE, KEY_WITHDRAW};
    writer_key(json, "permissions");
    writer_array(json);
    for (int i = 0; i < 3; i++)
        if ((permissions & bits[i]) != 0) writer_string(json, names[i]);
    writer_array_end(json);
}

void reply_key_ips(struct writer *json, const struct ip_list *ips)
{
    char text[IP_TEXT_BYTES];
    writer_key_bool(json, "ipRestrict", ips->count > 0);
    writer_key(json, "ipList");
    writer_array(json);
    for (uint32_t i = 0; i < ips->count; i++) {
        ip_list_text(ips, i, text);
        writer_string(json, text);
    }
    writer_array_end(json);
}

void reply_key(struct writer *json, const struct view_key *key, const char *secret)
{
    writer_object(json);
    writer_key(json, "keyId");
    writer_hex(json, key->key_id, sizeof(key->key_id));
    writer_key(json, "publicKey");
    if (key->has_public_key)
        writer_hex(json, key->public_key, sizeof(key->public_key));
    else
        writer_null(json);
    writer_key_bool(json, "hmac", key->secret_version != 0);
    put_permissions(json, key->permissions);
    reply_key_ips(json, &key->ips);
    if (secret != NULL) writer_key_string(json, "secretKey", secret);
    writer_object_end(json);
}
