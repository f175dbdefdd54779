"""chatroom_client and chatroom_server together, for tests of both: -s SERVER -b BACKEND CLIENT."""

import os

import driver
import hub
from driver import Program
from person import Person


class Hall:
    """The two programs under test."""

    def __init__(self, setup, client):
        self.setup = setup
        self.client = os.path.abspath(client)

    def hub(self, *options):
        """A running server."""
        return self.setup.hub(*options)

    def join(self, server, *options, **how):
        """A client of it, in pipes or with terminal=True."""
        return Program([self.client, *options, server.addresses[0]], **how)

    def sit(self, server, *options, **how):
        """A person at a terminal with a client of it."""
        return Person(self.client, meet=False, command=[self.client, *options, server.addresses[0]],
                      **how)


def cases(*functions):
    """Cases for tap.run(), on the backend under test; each function is given the hall."""
    driver.prepare()
    hall = Hall(*hub.Setup.from_arguments("client"))

    def case(function):
        def call():
            hall.setup.require_backend()
            function(hall)
        return function.__doc__.strip().split("\n")[0].rstrip("."), call
    return [case(function) for function in functions]
