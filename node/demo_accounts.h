/* quorex demo-accounts: the demo's funded accounts, made through the public API like any operator.
 *
 *     DIR/accounts.json        two accounts for whoever tries the exchange
 *     DIR/flow-accounts.json   two for demo-flow
 *     DIR/demo-accounts.part   how far a run has come; gone when both files are there
 *
 * A run that was cut off is finished by the next one: a step is written down when it is known to be
 * done, money is credited only up to what an account lacks, and an account whose number was never
 * heard stays behind empty and is made anew. A run after a finished one changes nothing.
 */

#ifndef NODE_DEMO_ACCOUNTS_H
#define NODE_DEMO_ACCOUNTS_H

/* Returns 0, 1 on a failure, 2 on wrong usage. */
int demo_accounts_main(int argc, char **argv);

#endif /* NODE_DEMO_ACCOUNTS_H */
