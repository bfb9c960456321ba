"""Simulated providers: scripted faults and incidents, on a virtual clock or over real sockets.

    scenario --(time)--> mix --(rng)--> behaviour --(call)--> steps --> transport (virtual) | servers (sockets)

A behaviour turns one call into steps: wait, send these bytes, hang, reset. Both ends play the same steps, so an
incident means the same in a recorded log, in a test and in the demo.
"""
