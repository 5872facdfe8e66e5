from tests.scenario.world import *
import time
def test_smoke(open_world):
    for i in range(3):
        t=time.time()
        w = open_world({"paging":"offset"})
        t2=time.time()
        fill(w.model, 60, tied=25)
        r=w.poll()
        print(t2-t, time.time()-t2, r.requests)
        assert w.mirror()==w.source.truth()
        print(w.watermark(), w.notices(), len(w.changes()))
    t=time.time(); print(w.quiet_poll(), time.time()-t)
