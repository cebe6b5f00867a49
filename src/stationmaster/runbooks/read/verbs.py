"""The words by which instructions are known, as data: verbs in the imperative and what may stand before them."""

VERBS = """
    spread redesign deprecate refer see goto re-encrypt
    answer append blocklist allowlist categorise categorize classify collapse concatenate deprioritize flag graph
    hover indicate monitor offer prepend prioritise quiesce source state strip subdivide tick toggle untick unregister
    abort accept access acknowledge acquire activate adapt add adjust advise alert allocate allow alter analyse
    analyze announce append apply approve archive ask assess assign assist attach attempt audit authenticate
    authorize avoid back backup balance begin block book boot bootstrap bounce break bring browse build bump bypass
    calculate call cancel capture cat cd change charge chat check checkout choose clean cleanup clear click clone
    close collect combine come comment commit communicate compare compile complete compute configure confirm connect
    consider consult contact continue convert coordinate copy cordon correct correlate count create cross-check
    cross-reference customize cut deactivate debug decide declare decode decommission decrease decrypt deduplicate
    define delegate delete deploy deprovision describe deselect destroy detach detect determine diagnose diff dig
    disable discard disconnect discover discuss dismount distribute do double-check download downgrade downscale
    drain draw drill drop dump duplicate edit eject elevate eliminate email enable encrypt enforce engage enlarge
    ensure enter enumerate erase escalate establish estimate evaluate evict examine exclude exec execute exit expand
    expire explore export expose extend extract fail failover fetch fill filter find fine-tune fire fix flip flush
    focus follow force format forward free gather generate get give go grab grant grep halt hard-code have head help
    hide hit hold identify ignore implement import improve increment include increase inform initialize initiate
    inject insert inspect install instruct interrogate introduce invalidate investigate invite invoke isolate issue
    join jump keep kick kill label launch let leave leverage limit link list load locate lock log login logout look
    lookup lower maintain make manage manually map mark match measure merge message migrate minimize mitigate modify
    monitor mount move mute name narrow navigate note notify observe obtain offload onboard open optimize order
    organize override page park parse paste patch pause perform persist pick pin ping pinpoint place plan plug point
    poll populate post power-cycle prepare press prevent print prioritize proceed produce promote propose provide
    provision prune publish pull purge push put query quit raise reach reactivate read reapply reassign rebalance
    rebase reboot rebuild recalculate recall recheck recommend reconcile reconfigure reconnect record recover
    recreate redeploy redirect redo reduce re-enable reference refine refresh register reindex reinstall reinstate
    reissue reject relaunch release reload relocate remediate remember remind remount remove rename render renew
    reopen reorder repair repeat replace replay reply report reprocess reproduce reprovision request require rerun
    re-run rescale reschedule research reset resize resolve respond restart restore restrict resubmit resume resync
    retain retrieve retry return reuse revert right-click double-click left-click review revise revoke rewind roll
    rollback rotate route run safely sample save scale scan schedule scroll search secure seek select send separate
    serve set setup share shift shorten show shrink shut shutdown sign silence simplify simulate skip sort specify
    spin split ssh standardize start stop store stream strip study submit subscribe substitute suppress suspend swap
    switch sync synchronize tag tail take talk target tell temporarily terminate test throttle tighten tidy toggle
    touch trace track transfer transform transition re-trigger retrigger trigger trim troubleshoot truncate try tune
    turn type unblock uncheck uncomment uncordon undeploy undo uninstall unlock unmount unmute unpack unpause
    unpublish unregister unset unsilence unsubscribe unzip update upgrade upload use utilize vacuum validate verify
    verfiy view visit wait warm watch whitelist widen wipe withdraw work wrap write zoom
"""
NOUNS_TOO = """
    answer flag graph source state strip tick offer
    abort access alert archive attempt audit back backup balance block book boot break build bump call cause change
    charge chat check checkout click clone comment commit compute contact copy count cut debug delegate deploy
    detail diff dig document drain drill drop dump duplicate download edit email estimate exit export extract fail
    failover fetch fill filter find fire fix flip flush focus force format forward free grant halt head help hide
    hit hold import increase insert install invite issue join jump kick kill label launch let leave leverage limit
    link list load lock log login look lookup lower map mark match measure merge message monitor mount move name
    note open order override page park patch pause pick pin ping place plan plug point poll post press print produce
    prompt pull purge push query quit raise reach read reboot rebuild recall record redirect reference refresh
    register release reload repair repeat replay reply report request research reset resource restart restore resume
    retry return reuse review roll rollback route run sample save scale scan schedule scroll search secure separate
    set setup share shift show shutdown sign skip sort spin split start stop store stream strip study swap switch
    sync tag tail take talk target test throttle touch trace track transfer transition re-trigger retrigger trigger
    try tune turn type update upgrade upload use view visit wait warm watch wipe work wrap write do escalate connect
    cat cd
"""
"""Verbs that are nouns as well: "log files are …" is no instruction."""
NO_INSTRUCTIONS = """
    see find read refer be notice expect get observe view learn know experience access assume have happen receive
    benefit encounter remain
"""
"""What people may do without being told to: "you can find it here"."""
ADVERBS = (
    r"then|next|first(?:ly)?(?: of all)?|second(?:ly)?|third(?:ly)?|finally|lastly|also|now|please|alternatively"
    r"|optionally|however|additionally|again|simply|just|otherwise|if not|and|or|so|instead|tip|hint|important"
    r"|afterwards?|after that|once done|ideally|furthermore|moreover|similarly|likewise|in addition|for now|quickly"
    r"|carefully|manually|always|e\.g\.|for example|for instance|(?:if|when|where|as) (?:needed|necessary"
    r"|possible|required"
    r"|applicable|appropriate)|at this point|to begin|to start|todo|info|action|temporarily|immediately|safely|but"
    r"|easiest|basically|usually|generally|typically|periodically|gracefully|proactively|systematically|thoroughly"
    r"|gradually|either|even|only|short-term|long-term|recommended|optional|in parallel|meanwhile|sometimes|maybe"
    r"|perhaps|let's|(?!(?:re)?apply\b|reply\b|supply\b|multiply\b)[a-z]{3,12}ly(?=\s+[a-z])"
)
OPENERS = (
    r"if|when|whenever|once|before|after|to|on|in|from|for|using|unless|while|until|at|with|without|via|by|as|during"
    r"|since|because|given|where|assuming|depend(?:s|ing)|should|provided|within|under|inside|upon|based|due|per"
    r"|through"
    r"|prior|instead|besides|regardless|following|in case|otherwise|else|according|having|looking|alternatively"
    r"|although|though"
)
