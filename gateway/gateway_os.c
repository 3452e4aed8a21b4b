#include "gateway/gateway.h"
#include "gateway/tls_identity.h"

#include <stdlib.h>

void gateway_mailbox_empty(struct gateway_mailbox *mailbox)
{
    struct gateway_settings *settings =
        atomic_exchange_explicit(&mailbox->settings, NULL, memory_order_acq_rel);
    if (settings == NULL) return;
    tls_identity_free(settings->identity);
    free(settings);
}

void gateway_leave(struct gateway_mailbox *mailbox, struct gateway_settings *settings,
                   struct park *park)
{
    gateway_mailbox_empty(mailbox); /* older ones, not taken yet */
    /* release: the settings' bytes. Pairs with the acquire in take_settings. */
    atomic_store_explicit(&mailbox->settings, settings, memory_order_release);
    park_wake(park);
}
