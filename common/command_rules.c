#include "common/command_rules.h"

#include "common/params.h"

uint32_t command_rules_since(uint16_t type)
{
    switch (type) {
    case T_ROUTE_SET:
    case T_ACCOUNT_FREEZE:
    case T_DEPOSIT_ADDRESS:
    case T_DEPOSIT_REPORT:
    case T_DEPOSIT_REORG:
    case T_WITHDRAWAL_APPROVE:
    case T_WITHDRAWAL_DENY:
    case T_WITHDRAWAL_REPORT:
    case T_WITHDRAW:
    case T_ADDRESS_ALLOW:
        return PARAMS_RULES_CUSTODY;
    case T_LIABILITIES_VOTE:
    case T_LIABILITIES_ORDER:
        return PARAMS_RULES_LIABILITIES;
    case T_CONNECTOR_ADD:
    case T_WITHDRAWAL_CANCEL:
        return PARAMS_RULES_RELEASE;
    case T_ROUTE_FEE_SET:
        return PARAMS_RULES_CHARGES;
    case T_ORDER_SUBMIT:
    case T_ORDER_RESUBMIT:
    case T_LIST_SUBMIT:
        return PARAMS_RULES_API;
    case T_KEY_CREATE:
    case T_KEY_LIMIT:
    case T_KEY_REMOVE:
        return PARAMS_RULES_KEYS;
    case T_ACCOUNT_OPEN:
    case T_ACCOUNT_APPROVE:
    case T_OPENING_SET:
        return PARAMS_RULES_OPENING;
    default:
        return 1;
    }
}
