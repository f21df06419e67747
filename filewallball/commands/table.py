"""Every command: where it is, below `filewallball.`, and what it does. To list them, nothing else is imported."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its module and name, and the first sentence of its help."""

    place: str
    about: str


@dataclass(frozen=True, slots=True)
class Group:
    """Commands under one name."""

    about: str
    commands: "dict[str, Entry]"


Entry = Command | Group

COMMANDS: dict[str, Entry] = {
    "alerts": Group(
        "Alerts, and a test of the channels that send them.",
        {
            "test": Command(
                "alerts.commands:test_command", "Send a test through CHANNEL, by way of Alertmanager."
            )
        },
    ),
    "audit": Group(
        "The audit log: verify, export and prune it.",
        {
            "export": Command("audit.export_command:export", "Write all matching rows, newest first."),
            "grants": Command(
                "audit.commands:grants", "Print the MariaDB grants for the service's own ACCOUNT."
            ),
            "prune": Command("audit.commands:prune", "Remove whole blocks that are old enough."),
            "verify": Command("audit.commands:verify", "Prove that the log is what was sealed."),
        },
    ),
    "backup": Group(
        "Take, verify, restore and prune backups.",
        {
            "create": Command(
                "backup.commands:create", "Back up the database and the bytes that it names into FOLDER."
            ),
            "list": Command("backup.list_commands:list_command", "List the complete backups in FOLDER."),
            "prune": Command("backup.commands:prune", "Remove old backups from FOLDER."),
            "restore": Command(
                "backup.commands:restore", "Verify a backup (the newest unless named) and bring it back."
            ),
            "verify": Command("backup.commands:verify", "Read everything in a backup."),
        },
    ),
    "blocks": Group(
        "Blocked networks.",
        {
            "add": Command("access.commands:add_block", "Block an address (IPv6: its /64) or a network."),
            "lift": Command("access.commands:lift_block", "End a block before its time."),
            "list": Command("access.commands:list_blocks", "List blocks, newest first."),
        },
    ),
    "db": Group(
        "The database schema.",
        {
            "downgrade": Command("serving.commands:downgrade_command", "Bring the schema down to REVISION."),
            "upgrade": Command("serving.commands:upgrade_command", "Bring the schema up to REVISION."),
        },
    ),
    "doctor": Command("doctor.commands:doctor", "Check this host before and after a deployment."),
    "drain": Command("serving.commands:drain", "Ask load balancers to send requests elsewhere."),
    "maintain": Command(
        "serving.maintain_command:maintain",
        "Run the periodic jobs in this process until it is stopped.",
    ),
    "ops": Group(
        "Configuration of the programs around the service.",
        {
            "render": Command(
                "ops.commands:render", "Write the configuration of Prometheus, Alertmanager and the rest."
            )
        },
    ),
    "prepare": Command(
        "serving.commands:prepare",
        "Make everything ready to start: folders, database schema, first administrator.",
    ),
    "quarantine": Group(
        "Suspicious files, kept but not served.",
        {
            "list": Command("files.commands:list_command", "List the files in quarantine."),
            "purge": Command(
                "files.commands:purge_command", "Delete these files permanently, or all older ones."
            ),
            "release": Command("files.commands:release_command", "Serve these files after all."),
            "review": Command(
                "files.commands:review_command", "Judge the files in quarantine by today's rules."
            ),
        },
    ),
    "quotas": Group(
        "Quotas of users and addresses, and how much of them is used.",
        {
            "list": Command(
                "access.commands:list_quotas",
                "List those to whom a limit applied at any time, the fullest first.",
            ),
            "set": Command(
                "access.commands:set_quota",
                "Give WHO, a user or an anonymous client's address, limits of their own.",
            ),
            "show": Command(
                "access.commands:show_quota",
                "Show what WHO, a user or an anonymous client's address, keeps and may keep.",
            ),
        },
    ),
    "reconcile": Command(
        "reconcile.commands:reconcile",
        "Compare statistics, audit log, files table, disk and metrics.",
    ),
    "reference": Command("ops.commands:reference", "Bring the tables in FILES up to date with the code."),
    "scrub": Command("serving.commands:scrub", "Read every stored byte now and compare."),
    "serve": Command("serving.serve:serve", "Prepare what is missing and serve until Ctrl-C."),
    "stats": Group(
        "Statistics: sums over the audit log.",
        {"rebuild": Command("stats.commands:rebuild", "Recompute all sums from the audit log.")},
    ),
    "tokens": Group(
        "Bearer tokens.",
        {
            "create": Command("access.commands:create_token", "Give a user a token and print it, this once."),
            "list": Command("access.commands:list_tokens", "List tokens, newest first; never their text."),
            "revoke": Command("access.commands:revoke_token", "End a token for good."),
            "rotate": Command(
                "access.commands:rotate_token", "Replace a token and print the new one, this once."
            ),
        },
    ),
    "upgrade": Group(
        "The last step of an upgrade, once all hosts have it.",
        {
            "finish": Command(
                "audit.upgrade:finish",
                "Say that every process of the service, on all hosts, runs this release.",
            )
        },
    ),
    "users": Group(
        "Users and their roles.",
        {
            "change": Command(
                "access.commands:change_user", "Give a user another role, disable or enable them."
            ),
            "create": Command("access.commands:create_user", "Create a user."),
            "list": Command("access.commands:list_users", "List users."),
        },
    ),
}
