/* quorex demo-flow: a market maker and a taker on the demo's markets, through the public API.
 *
 * The first account of the file keeps several levels quoted on either side of a reference price that
 * wanders; the second takes now and then. Orders far from the reference are cancelled and quoted
 * anew. Neither sells what it is short of: a side whose asset is below a quarter of what the account
 * began with is left alone.
 *
 * Owner    one thread; one request at a time, a few a second
 * Limits   --rate requests a second; on 429, 503 or no answer it waits, longer each time
 */

#ifndef NODE_DEMO_FLOW_H
#define NODE_DEMO_FLOW_H

/* Runs until SIGTERM or SIGINT, then cancels its orders. Returns 0, 1 on a failure, 2 on wrong usage. */
int demo_flow_main(int argc, char **argv);

#endif /* NODE_DEMO_FLOW_H */
