from qcos_core import hookimpl


def shortest_queue(choice):
    """The node with the shortest queue, however long it then takes."""
    return min(choice.candidates, key=lambda one: one.estimate.queue_seconds or 0.0)


class Router:
    @hookimpl
    def routing_policies(self):
        return {"shortest_queue": shortest_queue}
