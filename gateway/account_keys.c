#include "gateway/account_keys.h"

#include "gateway/view_state.h"

const struct view_key *account_keys_next(const struct view *view, uint32_t account,
                                         const struct view_key *key)
{
    const struct view_key *end = view->keys.keys + view->keys.key_count;
    for (key = key == NULL ? view->keys.keys : key + 1; key < end; key++)
        if (key->account == account && key->permissions != 0) return key;
    return NULL;
}
