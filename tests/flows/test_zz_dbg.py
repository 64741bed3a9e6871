import time, pytest, logging
from apps.exchanges.hub import hub
from tests.flows.stage import *
from tests.flows.conftest import *
pytestmark=[pytest.mark.wire]
@pytest.mark.parametrize("exchange",["binance"])
@pytest.mark.parametrize("n",[1,2,3,4])
def test_dbg(stage, trader, study, n):
    stage.feed(trader)
    got=[]; ev=[]
    hub().subscribe(*trader.venue, got.extend)
    hub().subscribe_lines(study.pk, ev.extend)
    s=stage.study(study); e=stage.engine(trader)
    try:
        stage.climb()
    except AssertionError: pass
    time.sleep(1)
    for t in got: print(t.price, t.at_ms, t.received_ns)
    for x in ev: print(x.kind, x.at_ms, x.price, x.base_state, x.received_ns)
    m=s.context.markets[BTC]
    print(m.states, m.lattice.state(0), m.window.samples, s.inbox.dropped, study.warmed_until)
    print("engine", e.ctx.is_armed, e.ctx.is_paused, e.ctx.is_gate_open, e._mirror.is_gate_open, e.ctx.symbols, e.ctx.standings.real_ids, e.followed.study_id)
    print(list(Order.objects.values("purpose","status","reason")))
    assert Order.objects.exists()
    stage.venue.price(BTC, 62000.0); time.sleep(0.3)
