"""What a delivery lacks because the platform did not answer while it was made, or because its event
belongs to a group and names no customer; or what it has too much because nobody knows the flow that
was to cut it.

It is kept with the delivery, so that its owner sees it where the message is looked for. One for all
attempts: from the first recorded one on they send the same bytes. Stores keep what is here; what is
said of it stands in left_out_words.py: the process of the store needs no words.
"""

import msgspec


class LeftOut(msgspec.Struct, frozen=True, array_like=True):
    """Everything that was left out, and why, and what was not."""

    fields: tuple[str, ...]  # of the webhook, that asked for it
    why: str  # one sentence
    older: bool = False  # the balance is there, but it is one that was loaded earlier
    flow: str | None = None  # it went whole: nobody knows this flow of `neoEnrichment`
    too_many: bool = False  # the event names more records than one message may hold
    of_group: tuple[str, ...] = ()  # fields of the webhook that a group's event has no customer for

    def joined(self, before: "LeftOut | None") -> "LeftOut":
        """Join what a message lacks with what it lacked before; the first reason stays."""
        if before is None:
            return self
        fields = tuple(dict.fromkeys((*before.fields, *self.fields)))
        return LeftOut(
            fields,
            before.why or self.why,
            older=before.older or self.older,
            flow=before.flow or self.flow,
            too_many=before.too_many or self.too_many,
            of_group=tuple(dict.fromkeys((*before.of_group, *self.of_group))),
        )
