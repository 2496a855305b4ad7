"""A session directory: read honestly, built, brought into order.

``generations``  the journals of a pass read as one, after its lock was taken by others
``views``        a session as its directory tells it; ``glance``: the same quickly, for very many
``reading``      shots, documents, files for those who look; ``gallery``: the photos of those looked at last
``older``        sessions whose files do not lie where ours do; ``origins``: what ours were made of
``sessions``     building sessions and passes, whole or not at all
``recovery``     bringing a pass into order; ``moves``: finishing what a restore began
``marks``        checkpoints on disk; ``identity``: a damaged ``session.json`` made anew
``exports``, ``thumbnails``  put into place in one step; small pictures

"""
