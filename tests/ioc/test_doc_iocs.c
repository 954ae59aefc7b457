/* A device with detectors of two IOCs, whose ports have the same names. */
#include "lib/check.h"
#include "lib/detector.h"
#include "lib/documents.h"

#include <cophyd/simulator.h>
#include <epicsUnitTest.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char classes[] = "class Both\n"
                              "dev one Pilatus: MyPilatusDetector\n"
                              "dev two Second:  MyPilatusDetector\n";

static struct detector d;
static oph_device *both;
static struct documents docs;

static void need(int rc, const oph_error *err)
{
    if (rc) testAbort("%s: %s", oph_code_name(rc), err->text);
}

static void each_has_its_ports(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *cam = NULL;
    oph_graph *graph = NULL;
    oph_findings *findings = NULL;
    bool twice = false;
    need(oph_device_child(both, "two.cam", &cam, &err), &err);
    check_done(oph_validate(both, OPH_DEFAULT, &findings, &err), &err, "both are looked over");
    for (size_t i = 0; i < oph_findings_count(findings); i++)
        twice = twice || strstr(oph_findings_at(findings, i)->error.text, "a port of its own");
    testOk(!twice, "no port is taken for that of the other IOC");
    oph_findings_free(findings);
    check_done(oph_graph_new(both, OPH_DEFAULT, &graph, &err), &err, "their ports are read");
    for (size_t i = 0; i < oph_graph_edge_count(graph); i++) {
        const oph_graph_edge *edge = oph_graph_edge_at(graph, i);
        const oph_graph_node *from = oph_graph_node_at(graph, edge->from);
        const char *to = oph_device_path(oph_graph_node_at(graph, edge->to)->dev);
        testOk(from->dev && (from->dev == cam) == !strncmp(to, "both.two.", 9),
               "%s takes frames from its own camera", to);
    }
    testOk(oph_graph_edge_count(graph) == 4, "two plugins of each take frames");
    oph_graph_free(graph);
}

/* Nothing is staged, and no document made, for what could not be triggered. */
static void wants_a_trigger(void)
{
    oph_error err = OPH_ERROR_INIT;
    struct probe_event e;
    oph_device *const detectors[] = {d.det, both};
    int mark = probe_mark(d.probe);
    int rc = oph_count(d.ctx, detectors, 2, 1, documents_take, &docs, NULL, &err);
    check_refused(rc, &err, OPH_EINVAL, "both", NULL, "to trigger", "class Both");
    testOk(!probe_event(d.probe, mark, &e), "nothing was written");
    testOk(docs.count == 0, "there is no document");
    documents_clear(&docs);
}

int main(void)
{
    static const char *const arguments[] = {"--prefix", "Second:", "--size", "32x16", NULL};
    char addresses[128];
    oph_error err = OPH_ERROR_INIT;
    oph_simulator *second = NULL;
    testPlan(0);
    detector_start_ioc(&d, NULL);
    need(oph_simulator_start(arguments, &second, &err), &err);
    snprintf(addresses, sizeof addresses, "%s %s", getenv("EPICS_CA_NAME_SERVERS"),
             oph_simulator_address(second));
    setenv("EPICS_CA_NAME_SERVERS", addresses, 1);
    need(oph_context_new(NULL, &d.ctx, &err), &err);
    detector_add_class(d.ctx);
    need(oph_class_parse(d.ctx, classes, "test_doc_iocs.c", NULL, &err), &err);
    detector_make(&d);
    detector_remember(&d);
    need(oph_device_new(d.ctx, "Both", "", "both", &both, &err), &err);
    each_has_its_ports();
    wants_a_trigger();
    oph_device_free(both);
    detector_unchanged(&d, "looking");
    detector_end(&d);
    testOk(oph_simulator_stop(second, &err) == 0, "the second simulator ends");
    return testDone();
}
