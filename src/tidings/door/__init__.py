"""The door: any process takes any call, and passes it on to the process that owns its cell.

A call goes over one hop at most, by HTTP/1.1 on a port of its own. What a caller can never set
goes with it in a head of the doors' (`head`): whom it is from, its id, how long it may take.

    door_gate        before the application: served here, passed on, or refused
    whole_hop        passes a call on whose body has come, without a task of its own
    streamed_hop     passes one on whose body is still coming
    hop              what both ways have in common: a place, a line, one more try
    owner_questions  asks an owner without a caller: parts of a call
    hop_request      the request as it goes to the owner
    owner_lines      the lines to owners, and how many calls wait at each
    owner_line       one of them: a call out, its answer back
    head             what goes between doors beside the call
    admission        reads the head at the door's listener, removes it at every other
    listening        the port of a door, and by what doors know each other
    certificates     who is of this installation: its authority, and a leaf for each process
    refusals         what a door itself answers
"""
