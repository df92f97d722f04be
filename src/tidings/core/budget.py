"""What the work that others have written may cost: the schemas, filters, templates of tenants.

One budget for all of them. What fits into the loop's share runs there; what may cost more runs in a
process that may be killed (`tidings.transform`), or is refused when it is saved.
"""

LOOP_S = 0.020  # of the event loop, for one event and one schema, filter or selection
MAPPING_LOOP_S = 0.005  # of the event loop, for one message of a source
MAPPING_CPU_S = 0.500  # of processor time, for one message that is read in a process of its own
MEMORY_BYTES = 50 << 20  # more than before, while it runs
APART_CPU_S = 0.100  # of processor time, for one run in a process of its own
EVENT_BYTES = 256 << 10  # the largest event: what a bound that is fixed when saved must hold for
USUAL_BYTES = 4 << 10  # an ordinary event: what a schema must be able to check within APART_CPU_S
