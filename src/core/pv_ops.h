/* What a PV tells the requests that are under way on it. */
#ifndef CORE_PV_OPS_H
#define CORE_PV_OPS_H

struct oph__pv;

int oph__pv_open(struct oph__pv *pv, oph_error *err); /* starts the search, once */
struct oph__chan *oph__pv_chan(struct oph__pv *pv);   /* NULL before oph__pv_open */
void oph__ops_connected(struct oph__pv *pv);          /* the PV came up: connects are done */
void oph__ops_drop(struct oph__pv *pv);               /* the PV goes away: all are lost */

#endif
